import { randomBytes } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { hostname as hostHostname } from 'node:os'
import { GantryError } from '../../lib/errors.ts'
import { packPorts } from '../../lib/port-table.ts'
import type { Image } from '../../containerd/images/contract.ts'
import { containerQuota } from '../../containerd/snapshots/storage-options.ts'
import { checkLogDriver, checkLogOptions } from '../../logging/check-options.ts'
import type { CreateContainer } from '../engine.ts'
import { mergeLogConfig } from '../logs/merge-log-config.ts'
import type { ContainerConfig } from '../types/container-config.ts'
import type { HostConfig } from '../types/host-config.ts'
import { initialState, liveContainer } from './container.ts'
import type { Container, ContainerRecord } from './container.ts'
import { withDefaults } from './container-defaults.ts'
import type { ContainersContext } from './context.ts'
import { emitContainerEvent } from './container-events.ts'
import { discardMissing } from './discarded-limits.ts'
import { requestedNetworks } from './endpoint-settings.ts'
import { completeHostConfig } from './host-config-defaults.ts'
import { manifestOf } from './image-manifest.ts'
import { labelsFor } from './labels.ts'
import { commandLine, mergeConfig } from './merge-config.ts'
import { planMounts } from './mounts.ts'
import { keepVolumes, obtainVolumes, releaseVolumes } from './own-volumes.ts'
import { now } from './timestamp.ts'
import { Waiters } from './waiters.ts'

/** Makes a container: snapshot, directory, and as the last step its configuration. On failure nothing is left. */
export async function createContainer(ctx: ContainersContext, request: CreateContainer): Promise<{ Id: string; Warnings: string[] }> {
  const image = findImage(ctx, request)
  const { kept, warnings: discarded } = discardMissing(request.hostConfig)
  const hostConfig = completeHostConfig(withDefaults(kept, ctx.defaults), { resolve: (ref) => (ref === '' ? '' : joinedId(ctx, ref)), runtime: ctx.runtimes.default })
  hostConfig.LogConfig = mergeLogConfig(request.hostConfig.LogConfig, ctx.logDefaults)
  checkLogDriver(hostConfig.LogConfig.Type)
  checkLogOptions(hostConfig.LogConfig.Type, hostConfig.LogConfig.Config ?? {})
  ctx.runtimes.choose(hostConfig.Runtime ?? '')
  const warnings = [...discarded, ...ctx.specs.validate(request.config, kept, request.networking)]
  const config = mergeConfig(request.config, image.config)
  const command = commandLine(config)
  if (command === undefined) throw new GantryError('InvalidParameter', 'no command specified')
  const labels = labelsFor(ctx, hostConfig)
  const imageManifest = await manifestOf(ctx.images, image)
  const id = randomBytes(32).toString('hex')
  const record: ContainerRecord = {
    id,
    name: '',
    created: now(),
    path: command.path,
    args: command.args,
    config: { ...config, Hostname: hostnameOf(config, hostConfig, id), Image: request.config.Image, ...(config.ExposedPorts && { ExposedPorts: packPorts(config.ExposedPorts) }) },
    hostConfig,
    imageId: image.id,
    driver: ctx.snapshotter.name,
    state: initialState(),
    networks: config.NetworkDisabled ? {} : requestedNetworks(ctx.networks, hostConfig, request.networking),
    ports: {},
    mounts: planMounts({ config, hostConfig, readOnlyNonRecursive: request.readOnlyNonRecursive, mountsOf: (ref) => ctx.registry.get(joinedId(ctx, ref)).mounts }),
    restartCount: 0,
    hasBeenStartedBefore: false,
    hasBeenManuallyStopped: false,
    ...(labels && { labels }),
    ...(imageManifest && { imageManifest }),
  }
  const container = liveContainer(record, new Waiters())
  container.name = ctx.registry.reserveName(request.name, id)
  try {
    await writeContainer(ctx, container, image)
  } catch (error) {
    ctx.registry.releaseName(container.name, id)
    await undoCreate(ctx, container)
    throw error
  }
  ctx.registry.add(container)
  emitContainerEvent(ctx, container, 'create')
  return { Id: id, Warnings: warnings }
}

/** NotFound makes clients pull. */
function findImage(ctx: ContainersContext, { config, platform }: CreateContainer): Image {
  const reference = config.Image ?? ''
  if (reference === '') throw new GantryError('InvalidParameter', 'invalid reference format')
  const image = ctx.images.get(reference)
  if (platform === undefined || platform === '') return image
  const found = ctx.images.find(reference, platform)
  if (found === undefined) throw new GantryError('NotFound', `image with reference ${reference} was found but does not provide the specified platform (${platform})`)
  return found
}

/** Not NotFound: that would make clients pull the image. */
function joinedId(ctx: ContainersContext, ref: string): string {
  const container = ctx.registry.find(ref)
  if (container === undefined) throw new GantryError('InvalidParameter', `No such container: ${ref}`)
  return container.id
}

async function writeContainer(ctx: ContainersContext, container: Container, image: Image): Promise<void> {
  ctx.store.prepare(container.id)
  const quota = containerQuota(container.hostConfig.StorageOpt)
  await ctx.snapshotter.prepare(container.id, image.chainId, quota === undefined ? {} : { quota })
  await obtainVolumes(ctx, container)
  const paths = ctx.store.paths(container.id)
  writeFileSync(paths.hostname, `${container.config.Hostname ?? ''}\n`, { mode: 0o644 })
  ctx.store.saveHostConfig(container)
  ctx.store.save(container)
  keepVolumes(ctx, container)
}

async function undoCreate(ctx: ContainersContext, container: Container): Promise<void> {
  try {
    ctx.store.forget(container.id)
    if (ctx.snapshotter.keys().includes(container.id)) await ctx.snapshotter.remove(container.id)
    await releaseVolumes(ctx, container, { volumes: true })
    await ctx.store.sweep(container.id)
  } catch (error) {
    ctx.log(`cannot clean up after failed container ${container.id}: ${String(error)}`)
  }
}

function hostnameOf(config: ContainerConfig, hostConfig: HostConfig, id: string): string {
  if (config.Hostname) return config.Hostname
  const shared = hostConfig.NetworkMode === 'host' || hostConfig.UTSMode === 'host'
  return shared ? hostHostname() : id.slice(0, 12)
}
