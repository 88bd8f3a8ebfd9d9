import type { Readable } from 'node:stream'
import { GantryError } from '../../lib/errors.ts'
import { tarEntry, type TarEntry } from '../../lib/tar/entry.ts'
import type { TarMember } from '../../lib/tar/writer.ts'
import { usersOfFiles, withInsideIds } from '../user-namespace/container-files.ts'
import { closing } from './archive/get-archive.ts'
import { packDirectory } from './archive/pack-tree.ts'
import { openRootView } from './archive/root-view.ts'
import { emitContainerEvent } from './container-events.ts'
import type { Container } from './container.ts'
import type { ContainersContext } from './context.ts'

/** The root file system as a tar, without volumes and what the runtime mounts; of a running container as it is while it is read. */
export async function exportContainer(ctx: ContainersContext, container: Container): Promise<Readable> {
  if (container.state.Dead || container.removed) throw new GantryError('Conflict', `You cannot export container ${container.id} which is Dead`)
  if (container.state.RemovalInProgress) throw new GantryError('Conflict', `You cannot export container ${container.id} which is being removed`)
  const view = await openRootView(ctx, container, { volumes: false })
  emitContainerEvent(ctx, container, 'export')
  return closing(rootMembers(withInsideIds(packDirectory(ctx.kernel, view.root, ''), usersOfFiles(ctx, container))), view.close)
}

/** What every container has of its engine (Docker keeps it in a layer of its own below the container's). */
const engineNodes: (Partial<TarEntry> & { name: string })[] = [
  { name: '.dockerenv', mode: 0o755 },
  { name: 'dev/', type: 'directory' },
  { name: 'dev/console', mode: 0o755 },
  { name: 'dev/pts/', type: 'directory' },
  { name: 'dev/shm/', type: 'directory' },
  { name: 'etc/', type: 'directory' },
  { name: 'etc/hostname', mode: 0o755 },
  { name: 'etc/hosts', mode: 0o755 },
  { name: 'etc/mtab', type: 'symlink', mode: 0o777, linkName: '/proc/mounts' },
  { name: 'etc/resolv.conf', mode: 0o755 },
  { name: 'proc/', type: 'directory' },
  { name: 'sys/', type: 'directory' },
]

/** Names relative to the root, which is left out, and at the end what the container lacks of the engine's nodes. */
function* rootMembers(members: Iterable<TarMember>): Generator<TarMember, void, undefined> {
  const missing = new Map(engineNodes.map((node) => [node.name.replace(/\/$/, ''), node]))
  const others = new Set<string>()
  for (const member of members) {
    const { name, type, linkName } = member.entry
    const relative = name.slice(1)
    if (relative === '') continue
    missing.delete(relative.replace(/\/$/, ''))
    if (type !== 'directory' && ['dev', 'etc', 'proc', 'sys'].includes(relative)) others.add(relative)
    yield { ...member, entry: { ...member.entry, name: relative, linkName: type === 'link' ? linkName.slice(1) : linkName } }
  }
  const mtime = BigInt(Date.now()) * 1_000_000n
  for (const [name, node] of missing) {
    // Nothing lies below what the image has as a link or file.
    if (!others.has(name.split('/')[0]!)) yield { entry: tarEntry({ ...node, mtime }) }
  }
}
