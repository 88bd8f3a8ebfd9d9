import { withFileIdentity } from '../../kernel/file-identity.ts'
import type { MappedBy } from '../../kernel/mapped-mount.ts'
import type { IdMaps } from '../../kernel/user-namespace.ts'
import type { TarHandler } from '../../lib/tar/reader.ts'
import type { TarMember } from '../../lib/tar/writer.ts'
import { containerId, hostId, userNamespaceOf } from '../../runc/user-namespace.ts'
import type { Container } from '../containers/container.ts'
import type { ContainersContext } from '../containers/context.ts'
import { containerUsers, rootIdentity } from './container-users.ts'

/**
 * Whose ids the files of a container have when they are seen from the host, through its root or through a view of it; undefined
 * when they are those of the host.
 */
export function usersOfFiles(ctx: ContainersContext, { state, hostConfig }: Container): IdMaps | undefined {
  if (!state.Running || state.Pid === 0) return containerUsers(hostConfig, ctx.security.userRemap, {})
  const { kind, uids, gids } = userNamespaceOf(state.Pid)
  return kind === 'own' || uids.length === 0 ? undefined : { uids, gids }
}

/** For a view of a container that does not run: its root file system as it will be mounted. */
export function viewMapping(ctx: ContainersContext, container: Container): { mapped?: { by: MappedBy; staging: string } } {
  const users = usersOfFiles(ctx, container)
  return users === undefined ? {} : { mapped: { by: ctx.mappers.for(users), staging: ctx.mappers.staging } }
}

/** Makes files as root of the container: root of the host has no id there, and could make none. `act` must not wait. */
export function asRoot<T>(ctx: Pick<ContainersContext, 'kernel'>, users: IdMaps | undefined, act: () => T): T {
  return users === undefined ? act() : withFileIdentity(ctx.kernel, rootIdentity(users), act)
}

interface Owner {
  uid: number
  gid: number
}

/** Ids of the host as the container has them. Who is nobody there stays as on the host. */
export function insideIds({ uid, gid }: Owner, users: IdMaps | undefined): Owner {
  return users === undefined ? { uid, gid } : { uid: containerId(users.uids, uid) ?? uid, gid: containerId(users.gids, gid) ?? gid }
}

/** Ids of the container as the host has them; for one that the container has not, its root's. */
export function outsideIds({ uid, gid }: Owner, users: IdMaps | undefined): Owner {
  if (users === undefined) return { uid, gid }
  const root = rootIdentity(users)
  return { uid: hostId(users.uids, uid) ?? root.uid, gid: hostId(users.gids, gid) ?? root.gid }
}

/** An archive of a container's files, with its own ids. */
export function* withInsideIds(members: Iterable<TarMember>, users: IdMaps | undefined): Generator<TarMember, void, undefined> {
  for (const member of members) yield users === undefined ? member : { ...member, entry: { ...member.entry, ...insideIds(member.entry, users) } }
}

/** Unpacks an archive into a container, as its root, with ids of its own. */
export function unpackInside(ctx: Pick<ContainersContext, 'kernel'>, users: IdMaps | undefined, handler: TarHandler): TarHandler {
  if (users === undefined) return handler
  return {
    entry: (entry, fragments) => asRoot(ctx, users, () => handler.entry({ ...entry, ...outsideIds(entry, users) }, fragments)),
    data: (chunk, offset) => handler.data(chunk, offset),
    end: () => asRoot(ctx, users, () => handler.end()),
  }
}
