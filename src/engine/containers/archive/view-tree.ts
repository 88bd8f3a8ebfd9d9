import { closeSync, fstatSync, mkdirSync, statSync, writeFileSync } from 'node:fs'
import { KernelError } from '../../../kernel/failure.ts'
import { openInRoot } from '../../../kernel/in-root.ts'
import type { Kernel } from '../../../kernel/kernel.ts'
import { openDetachedTree } from '../../../kernel/detached-tree.ts'
import { asRoot, usersOfFiles, viewMapping } from '../../user-namespace/container-files.ts'
import type { Container } from '../container.ts'
import type { ContainersContext } from '../context.ts'

export interface GraftedMount {
  source: string
  destination: string
  readonly: boolean
}

/**
 * The root file system of a container that does not run, with its volumes and binds and the files of the engine, mounted nowhere.
 * @returns a descriptor of its root
 */
export function mountView(ctx: ContainersContext, container: Container, options: { scratch: string; volumes: boolean; sources?: ReadonlyMap<string, string> }): number {
  const grafts = options.volumes ? graftsOf(ctx, container, options.sources) : []
  return openDetachedTree(ctx.kernel, {
    root: ctx.snapshotter.mount(container.id),
    scratch: options.scratch,
    readonly: options.volumes && container.hostConfig.ReadonlyRootfs === true,
    ...viewMapping(ctx, container),
    furnish: (root, graft) => asRoot(ctx, usersOfFiles(ctx, container), () => {
      for (const { source, destination, readonly } of grafts) {
        const target = mountPoint(ctx.kernel, root, { path: destination, directory: statSync(source).isDirectory() })
        try {
          graft(source, target, readonly)
        } finally {
          closeSync(target)
        }
      }
    }),
  })
}

/** In the order of their depth. A source that is gone is left out, as nothing would be there. */
function graftsOf(ctx: ContainersContext, container: Container, sources?: ReadonlyMap<string, string>): GraftedMount[] {
  const mode = container.hostConfig.NetworkMode ?? ''
  const files = ctx.store.paths(mode.startsWith('container:') ? mode.slice('container:'.length) : container.id)
  const mounts = container.mounts.filter(({ Type, Source }) => Type !== 'tmpfs' && Source !== '')
  return [
    { source: files.resolvConf, destination: '/etc/resolv.conf', readonly: false },
    { source: files.hostname, destination: '/etc/hostname', readonly: false },
    { source: files.hosts, destination: '/etc/hosts', readonly: false },
    ...mounts.map(({ Source, Destination, RW }) => ({ source: sources?.get(Destination) ?? Source, destination: Destination, readonly: !RW })),
  ]
    .filter(({ source }) => statSync(source, { throwIfNoEntry: false }) !== undefined)
    .toSorted((one, other) => one.destination.split('/').length - other.destination.split('/').length)
}

/** Opens a path to mount on; what is missing of it is made, as at the start of the container. */
function mountPoint(kernel: Kernel, root: number, { path, directory }: { path: string; directory: boolean }): number {
  const parts = path.split('/').filter((part) => part !== '')
  let at = openInRoot(kernel, root, '/', 'directory')
  for (const [depth, part] of parts.entries()) {
    const below = `/${parts.slice(0, depth + 1).join('/')}`
    const parent = at
    try {
      at = openOrMake(kernel, root, below, () => {
        const place = `/proc/self/fd/${parent}/${part}`
        if (depth < parts.length - 1 || directory) mkdirSync(place, { mode: 0o755 })
        else writeFileSync(place, '', { flag: 'wx', mode: 0o755 })
      })
    } finally {
      closeSync(parent)
    }
  }
  if (fstatSync(at).isDirectory() === directory) return at
  closeSync(at)
  throw new KernelError(`cannot mount on ${path}`, 20)
}

function openOrMake(kernel: Kernel, root: number, path: string, make: () => void): number {
  try {
    return openInRoot(kernel, root, path, 'followed')
  } catch (error) {
    if (!(error instanceof KernelError) || error.code !== 'ENOENT') throw error
  }
  make()
  return openInRoot(kernel, root, path, 'followed')
}
