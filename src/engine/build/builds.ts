import { existsSync, mkdirSync, readdirSync, rmSync, rmdirSync } from 'node:fs'
import { join } from 'node:path'
import { openBuilder } from '../../build/builder.ts'
import type { PruneCache } from '../../build/contract.ts'
import { createCopier } from '../../build/copy/copier.ts'
import type { Distribution } from '../../containerd/distribution/contract.ts'
import { hostPlatform } from '../../containerd/distribution/platform.ts'
import type { DurableImageStore } from '../../containerd/images/image-store.ts'
import type { Snapshotter } from '../../containerd/snapshots/contract.ts'
import type { TaskService } from '../../containerd/tasks/contract.ts'
import type { Kernel } from '../../kernel/kernel.ts'
import { unmount } from '../../kernel/mount.ts'
import { GantryError, messageOf } from '../../lib/errors.ts'
import { parseReference } from '../../lib/reference.ts'
import type { NetworkService } from '../../net/contract.ts'
import { createContainerSpecs, type CreateContainerSpecs } from '../containers/oci.ts'
import type { Container } from '../containers/container.ts'
import type { DefaultDns } from '../containers/context.ts'
import { runtimeTable, type Runtimes } from '../containers/runtimes.ts'
import type { Events, Images } from '../engine.ts'
import type { Builds } from '../types/builds.ts'
import type { SecurityDefaults } from '../security/defaults.ts'
import { mountsBelow } from '../volumes/mount-table.ts'
import { classicBuild } from './classic/classic-build.ts'
import { createImageSource, registryCredentials } from './image-source.ts'
import { createStepRunner } from './step-runner.ts'

export interface OpenBuilds extends Omit<CreateContainerSpecs, 'kernel'> {
  kernel: Kernel
  dataRoot: string
  execRoot: string
  store: DurableImageStore
  snapshotter: Snapshotter
  tasks: TaskService
  networks: NetworkService
  runtimes?: Runtimes
  security?: SecurityDefaults
  dns?: DefaultDns
  events: Events
  /** There by the time of the first build. */
  images: () => Images
  distribution: () => Distribution
  containers: () => readonly Container[]
  /** What is pruned after builds. */
  gc?: readonly PruneCache[]
  log: (line: string) => void
}

export interface BuildsRoom {
  readonly builds: Builds
  /** Takes away what builds of an earlier engine have left mounted. Before containers are recovered. */
  sweepMounts(): void
  /** And their places on networks. After that. */
  sweepEndpoints(): Promise<void>
}

/** To be opened right after the image store: what the cache holds has to be known before that sweeps. */
export function openBuilds(options: OpenBuilds): BuildsRoom {
  const { kernel, dataRoot, execRoot, store, snapshotter, tasks, networks, events, images, gc, log } = options
  const root = join(dataRoot, 'build')
  const runtimeDir = join(execRoot, 'build')
  const runtimes = options.runtimes ?? runtimeTable()
  const security = options.security ?? {}
  const dns = options.dns ?? { servers: [], options: [], search: [] }
  const specs = createContainerSpecs(options)
  const container = (ref: string): Container => {
    const found = options.containers().find(({ id, name }) => name === ref.replace(/^\//, '') || (ref !== '' && id.startsWith(ref)))
    if (found === undefined) throw new GantryError('NotFound', `No such container: ${ref}`)
    return found
  }
  const builder = openBuilder({
    kernel,
    core: store.core,
    root,
    runtimeDir,
    copier: createCopier({ kernel, directory: join(root, 'sources') }),
    runner: createStepRunner({ kernel, dataRoot, runtimeDir, snapshotter, tasks, networks, specs, runtimes, security, dns, container, log }),
    images: createImageSource(images),
    own: hostPlatform,
    atRemote: async ({ reference, write, credentials, signal }, use) => {
      const known = registryCredentials(await credentials(parseReference(reference).domain))
      return await options.distribution().atRemote({ reference, write, credentials: known, signal }, use)
    },
    ...(gc && { gc }),
    tagged: (id, name) => {
      const image = store.get(id)
      events.emit('image', 'tag', { ID: id, Attributes: { ...image.config.Labels, name } })
    },
    push: async (name, job) => {
      const { domain } = parseReference(name)
      const credentials = registryCredentials(await job.request.credentials(domain))
      await images().push({ reference: name, allTags: false, credentials, signal: job.signal }, () => undefined)
    },
    log,
  })
  rmSync(join(root, 'contexts'), { recursive: true, force: true })
  const classics = new Map<string, AbortController>()
  return {
    builds: {
      ...builder,
      async classic(request, tell, signal) {
        const cancelling = new AbortController()
        if (request.id !== '') classics.set(request.id, cancelling)
        try {
          await classicBuild({ builder, kernel, root }, request, { tell, signal: AbortSignal.any([signal, cancelling.signal]) })
        } finally {
          if (classics.get(request.id) === cancelling) classics.delete(request.id)
        }
      },
      cancel: (id) => classics.get(id)?.abort(new GantryError('System', 'context canceled')),
    },
    sweepMounts: () => sweepMounts(kernel, runtimeDir),
    sweepEndpoints: () => sweepEndpoints(options),
  }
}

/** Nothing is removed that something is still mounted on. */
function sweepMounts(kernel: Kernel, runtimeDir: string): void {
  mkdirSync(runtimeDir, { recursive: true, mode: 0o711 })
  for (const path of mountsBelow(runtimeDir)) unmount(kernel, path)
  const mounts = join(runtimeDir, 'mounts')
  for (const name of existsSync(mounts) ? readdirSync(mounts) : []) rmdirSync(join(mounts, name))
  rmSync(join(runtimeDir, 'steps'), { recursive: true, force: true })
}

async function sweepEndpoints({ networks, tasks, containers, log }: OpenBuilds): Promise<void> {
  const known = new Set(containers().map(({ id }) => id))
  for (const { id } of networks.list()) {
    for (const endpoint of networks.endpoints(id)) {
      if (known.has(endpoint.containerId) || tasks.get(endpoint.containerId) !== undefined) continue
      try {
        await networks.detach(endpoint.id)
        await networks.release(endpoint.id)
      } catch (error) {
        log(`cannot release endpoint ${endpoint.id} of a build: ${messageOf(error)}`)
      }
    }
  }
}
