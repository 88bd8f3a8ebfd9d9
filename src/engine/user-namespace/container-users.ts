import { chownSync, lstatSync, mkdirSync } from 'node:fs'
import { posix } from 'node:path'
import { GantryError } from '../../lib/errors.ts'
import { hostId, userNamespaceOf } from '../../runc/user-namespace.ts'
import type { ContainerUsers } from '../spec/input.ts'
import type { HostConfig } from '../types/host-config.ts'
import type { UserRemap } from './remap.ts'

/** Host ids of a container's root. */
export interface RootIdentity {
  uid: number
  gid: number
}

/** Containers whose namespaces are joined: their ids and host pids. */
type Joined = Partial<Record<'network' | 'ipc' | 'pid', { id: string; state: { Pid: number } }>>

/**
 * The user namespace of a container to be started: one of its own when the engine remaps users. Who joins namespaces of another
 * container has to be in the user namespace that owns them.
 * @returns undefined for that of the host
 * @throws Conflict when it cannot be in both
 */
export function containerUsers({ UsernsMode }: Pick<HostConfig, 'UsernsMode'>, remap: UserRemap | undefined, joined: Joined): ContainerUsers | undefined {
  if (remap === undefined || UsernsMode === 'host') return undefined
  const [first, ...others] = Object.entries(joined).flatMap(([kind, container]) => (container === undefined ? [] : [{ kind, container, namespace: userNamespaceOf(container.state.Pid) }]))
  if (first === undefined) return { uids: remap.uids, gids: remap.gids }
  const { container, namespace } = first
  if (namespace.kind === 'own') {
    throw new GantryError('Conflict', `cannot join ${first.kind} of container ${container.id}: it is in the user namespace of the host; use --userns=host`)
  }
  const stranger = others.find((other) => other.container.id !== container.id)
  if (stranger !== undefined) throw new GantryError('Conflict', `cannot join ${stranger.kind} of container ${stranger.container.id} and ${first.kind} of container ${container.id}: they have user namespaces of their own`)
  return { uids: namespace.uids, gids: namespace.gids, joined: container.state.Pid }
}

export function rootIdentity(users: ContainerUsers | undefined): RootIdentity {
  return users === undefined ? { uid: 0, gid: 0 } : { uid: hostId(users.uids, 0) ?? 0, gid: hostId(users.gids, 0) ?? 0 }
}

/** Makes root of the container the owner, unless it is. Symlinks are not followed. */
export function giveToRoot(path: string, { uid, gid }: RootIdentity): void {
  const status = lstatSync(path, { throwIfNoEntry: false })
  if (status === undefined || status.isSymbolicLink() || (status.uid === uid && status.gid === gid)) return
  chownSync(path, uid, gid)
}

/** A new volume is root's of the host: root of the container gets it. One that belongs to anybody else stays as it is. */
export function giveUnowned(path: string, root: RootIdentity): void {
  const status = lstatSync(path, { throwIfNoEntry: false })
  if (status !== undefined && status.uid === 0 && status.gid === 0) giveToRoot(path, root)
}

/**
 * Lets root of the container walk from one directory down to another: runtimes that are programs go to the root file system as
 * that user. Directories that their group may search get its group.
 */
export function letThrough(root: RootIdentity, from: string, to: string): void {
  for (let path = posix.dirname(to); path.length >= from.length; path = posix.dirname(path)) {
    const { mode, uid, gid } = lstatSync(path)
    if ((mode & 0o001) === 0 && gid !== root.gid) chownSync(path, uid, root.gid)
  }
}

/** Makes a directory with those above that are missing; the new ones belong to root of the container. What is there stays as it is. */
export function makeDirectoryFor(root: RootIdentity, path: string): void {
  let first: string | undefined
  try {
    first = mkdirSync(path, { recursive: true, mode: 0o755 })
  } catch (error) {
    // A file (or anything else that is there) is as good a source as a directory.
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
  }
  if (first === undefined || (root.uid === 0 && root.gid === 0)) return
  for (let made = posix.normalize(path).replace(/\/+$/, ''); made.length >= first.length; made = posix.dirname(made)) chownSync(made, root.uid, root.gid)
}
