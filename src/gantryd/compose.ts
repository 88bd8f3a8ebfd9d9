import { randomUUID } from 'node:crypto'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { hostname } from 'node:os'
import { join } from 'node:path'
import { openContentStore } from '../containerd/content/file-content-store.ts'
import { createDistribution } from '../containerd/distribution/distribution.ts'
import { openImageStore } from '../containerd/images/image-store.ts'
import type { DurableImageStore } from '../containerd/images/image-store.ts'
import { otherStores } from '../containerd/images/other-stores.ts'
import type { TaskService } from '../containerd/tasks/contract.ts'
import { openTaskService } from '../containerd/tasks/service.ts'
import { openContainers } from '../engine/containers.ts'
import type { Engine, Events } from '../engine/engine.ts'
import { openBuildKit } from '../build/buildkit/buildkit.ts'
import type { BuildKit } from '../build/buildkit/buildkit.ts'
import type { Builder, PruneCache } from '../build/contract.ts'
import { hostPlatform } from '../containerd/distribution/platform.ts'
import { openBuilds } from '../engine/build/builds.ts'
import { remoteContexts } from '../engine/build/remote-context.ts'
import { createEvents } from '../engine/events.ts'
import { createImages } from '../engine/images.ts'
import { createNetworks } from '../engine/networks.ts'
import { labelLayers } from '../engine/security/relabel.ts'
import { openStorage } from '../engine/storage/storage.ts'
import { SwitchableSnapshotter } from '../engine/storage/switchable-snapshotter.ts'
import { createSystem } from '../engine/system.ts'
import { openMetrics } from '../engine/metrics/engine-metrics.ts'
import { countedBuilds, measuredImages } from '../engine/metrics/measured.ts'
import { openVolumes } from '../engine/volumes/volumes.ts'
import { linuxKernel } from '../kernel/linux.ts'
import { nativeFile } from '../kernel/native-files.ts'
import type { NetworkService } from '../net/contract.ts'
import { openNetworkService } from '../net/service.ts'
import { logDrivers, networkDrivers } from './builtins.ts'
import type { DaemonConfig } from './config.ts'
import type { Log } from './log.ts'
import { openSecurity } from './security.ts'
import { openStorage as openStorageDriver } from './storage.ts'
import { build } from './version.ts'

export interface ComposedEngine extends Engine {
  /** In Prometheus' text format; only with --metrics-addr. */
  metrics?: () => Promise<string>
  /** Tells listeners that the configuration was read again. */
  tellReload(attributes: Record<string, string>): void
}

/**
 * Makes the engine from its parts and finds again what an earlier one left: tasks first, they decide what is alive; then the
 * network, which containers need; then containers, which may be restarted by their policy.
 */
export async function composeEngine(config: DaemonConfig, log: Log): Promise<ComposedEngine> {
  const { dataRoot, execRoot, networks } = config
  mkdirSync(execRoot, { recursive: true, mode: 0o711 })
  const kernel = linuxKernel
  const security = await openSecurity(kernel, config.security, log)
  const storage = await openStorageDriver(dataRoot, config.storage, log)
  const snapshotter = new SwitchableSnapshotter(storage.snapshotter)
  if (security.selinux !== undefined) await labelLayers(kernel, join(dataRoot, snapshotter.name), security.selinux.sharedFile)
  const content = openContentStore(join(dataRoot, 'content'))
  const others = otherStores(join(dataRoot, 'image'), () => snapshotter.name)
  const store = openImageStore({ root: join(dataRoot, 'image', snapshotter.name), content, snapshotter, others })
  const tasks = openTaskService({ kernel, root: execRoot, systemd: config.cgroups.driver === 'systemd' })
  const network = openNetworkService({
    ...networks.bridge,
    kernel,
    root: join(dataRoot, 'network'),
    runtimeDir: join(execRoot, 'network'),
    userlandProxy: networks.userlandProxy,
    proxyCommand: networks.userlandProxyPath === undefined ? undefined : [networks.userlandProxyPath],
    pools: networks.pools,
    filters: networks.filters,
    forwards: networks.forwards,
    log: (line) => log('warn', line),
  })
  const events = createEvents()
  const initPath = config.initPath ?? nativeFile('gantry-init')
  const layerSize = (chainId: string): number => snapshotter.layerSize(chainId)
  const volumes = openVolumes({ dataRoot, kernel, events, log: (line) => log('warn', line) })
  const room = openContainers({
    volumes,
    dataRoot, execRoot, kernel, images: store, snapshotter, movedFrom: storage.movedFrom, tasks, networks: network, events, dns: config.dns, initPath, runtimes: config.runtimes, cgroupDriver: config.cgroups.driver, cgroupParent: config.cgroups.parent, cdiDirectories: config.cdiDirectories, security,
    logDefaults: config.logs,
    defaults: config.containers,
    log: (line) => log('warn', line),
  })
  const builds = openBuilds({
    kernel, dataRoot, execRoot, store, snapshotter, tasks, networks: network, events, security, initPath,
    runtimes: config.runtimes, dns: config.dns, cgroupDriver: config.cgroups.driver, cgroupParent: config.cgroups.parent,
    gc: config.buildCache,
    images: () => images,
    distribution: () => distribution,
    containers: () => room.all(),
    log: (line) => log('warn', line),
  })
  const metrics = config.metrics === undefined ? undefined : openMetrics({
    facts: async () => ({ info: await system.info(), version: system.version() }),
    containers: () => room.counts(),
    events: () => ({ logged: events.counts().logged, subscribers: events.counts().subscribers - ownListeners }),
  })
  const builder = countedBuilds(builds.builds, metrics?.builds)
  const distribution = createDistribution({ core: store.core, settings: config.registries, userAgent: `gantry/${build.version} (linux)` })
  const images = createImages({ store, distribution, snapshotter, events, inUse: (imageId) => room.inUse(imageId), layerSize })
  const system = createSystem({
    id: engineId(dataRoot),
    version: build.version,
    gitCommit: build.commit,
    buildTime: build.time,
    dataRoot,
    labels: config.labels,
    authorizationPlugins: config.authorizationPlugins,
    registries: config.registries,
    debug: () => log.level === 'debug',
    snapshotter,
    networkDrivers: [...networkDrivers],
    logDrivers: [...logDrivers],
    logDriver: config.logs.driver,
    runtimes: () => config.runtimes.list(),
    kernel,
    get defaultRuntime() {
      return config.runtimes.default
    },
    features: config.features,
    experimental: config.experimental,
    firewallBackend: networks.filters.ipv4 || networks.filters.ipv6 ? (networks.filters.backend ?? 'nftables') : undefined,
    eventListeners: () => events.counts().subscribers - ownListeners,
    cgroupDriver: config.cgroups.driver,
    security,
    cdiDirectories: config.cdiDirectories,
    initPath,
    containers: room.containers,
    images,
    volumeUsage: () => volumes.usage(),
    buildCache: async () => (await builds.builds.usage()).map((record) => ({ ...record })),
    layerSize,
  })

  await tasks.recover()
  await network.recover(aliveEndpoints(network, tasks))
  for (const change of network.hostChanges) log('info', `host setting changed: ${change}`)
  builds.sweepMounts()
  await room.recover()
  await builds.sweepEndpoints()
  const buildkit = openBuildKit({
    kernel,
    builder,
    root: join(dataRoot, 'build'),
    runtimeDir: join(execRoot, 'build'),
    remote: remoteContexts(kernel, join(dataRoot, 'build')),
    worker: { id: engineId(dataRoot), platform: hostPlatform, version: buildkitVersion, hostGateway: () => network.list().find(({ name }) => name === 'bridge')?.ipam.config.find(({ gateway }) => gateway !== '')?.gateway },
  })
  const closing = new AbortController()
  void sweepAfterRemovals(store, events, closing.signal).catch((error: unknown) => log('error', 'cannot sweep layers', error))
  return {
    containers: room.containers,
    exec: room.exec,
    images: metrics === undefined ? images : measuredImages(images),
    volumes: volumes.api,
    build: { ...builder, prune: (prune) => pruneWithContexts(builds.builds, buildkit, prune) },
    buildkit,
    storage: openStorage({ dataRoot, kernel, store, snapshotter, others, containers: () => room.all(), saveContainer: (container) => room.save(container), openDriver: (name) => storage.openDriver(name) }),
    events,
    system,
    networks: createNetworks({ service: network, events, members: room.members, defaults: { options: networks.defaultOptions } }),
    metrics: metrics && (() => metrics.text()),
    tellReload: (attributes) => events.emit('daemon', 'reload', { ID: engineId(dataRoot), Attributes: { name: hostname(), ...attributes } }),
    async close() {
      closing.abort()
      metrics?.close()
      buildkit.close()
      await builds.builds.close()
      room.close()
      tasks.close()
      await network.close()
      await store.close()
      await snapshotter.close()
    },
  }
}

/** Those that follow events here, and no client asked for. */
const ownListeners = 1

/** A layer that stayed behind its image because a container stood on it goes when the container has gone. */
async function sweepAfterRemovals(store: DurableImageStore, events: Events, signal: AbortSignal): Promise<void> {
  const filters = new Map([['event', new Set(['destroy'])]])
  for await (const { Type } of events.stream({ filters, signal })) if (Type === 'container') await store.sweep()
}

function aliveEndpoints(network: NetworkService, tasks: TaskService): Set<string> {
  const alive = new Set<string>()
  for (const { id } of network.list()) {
    for (const endpoint of network.endpoints(id)) {
      const status = tasks.get(endpoint.containerId)?.status
      if (status !== undefined && status !== 'stopped') alive.add(endpoint.id)
    }
  }
  return alive
}

/** Pruning everything takes the copies of clients' directories too. */
async function pruneWithContexts(builds: Builder, buildkit: BuildKit, prune: PruneCache): Promise<Awaited<ReturnType<Builder['prune']>>> {
  if (prune.all && prune.filters.size === 0 && prune.keepStorage === undefined && prune.maxUsedSpace === undefined && prune.minFreeSpace === undefined) buildkit.forgetContexts()
  return await builds.prune(prune)
}

/** The release whose API is spoken on /grpc. */
const buildkitVersion = 'v0.21.0'

/** Names this installation, for good. */
function engineId(dataRoot: string): string {
  const path = join(dataRoot, 'engine-id')
  try {
    const id = readFileSync(path, 'utf8').trim()
    if (id !== '') return id
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
  }
  const id = randomUUID()
  writeFileSync(path, `${id}\n`)
  return id
}
