import { AT_FDCWD, O_CLOEXEC, O_RDONLY } from '../../kernel/constants/files.ts'
import { CLONE_NEWUSER, PR_SET_PDEATHSIG, SIGKILL } from '../../kernel/constants/processes.ts'
import type { Cell } from '../../kernel/program.ts'
import type { ProgramBuilder } from '../../kernel/program-builder.ts'
import { fork } from '../host-tool.ts'
import type { OciIdMapping, OciMount } from '../spec.ts'
import { processPath, writeIdMaps, type UserNamespace } from '../user-namespace.ts'

/** Ids of a mount as others (man 2 mount_setattr, "ID-mapped mounts"). */
export interface MountIdMap {
  /** Empty: those of the container's user namespace. */
  uids: readonly OciIdMapping[]
  gids: readonly OciIdMapping[]
  /** With everything mounted below. */
  recursive: boolean
}

/** From `uidMappings` and `gidMappings` of a mount, and its options `idmap` and `ridmap`. */
export function idMapOf({ uidMappings = [], gidMappings = [], options = [] }: OciMount): MountIdMap | undefined {
  const recursive = options.includes('ridmap')
  if (uidMappings.length === 0 && gidMappings.length === 0 && !recursive && !options.includes('idmap')) return undefined
  return { uids: uidMappings, gids: gidMappings, recursive }
}

/** A user namespace with the wanted map, held by a child of its own for the moment that it takes to open it. */
export function openMappedNamespace(builder: ProgramBuilder, idMap: MountIdMap, users: UserNamespace, destination: string): Cell {
  const own = idMap.uids.length === 0
  const maps = { uids: own ? users.uids : idMap.uids, gids: own ? users.gids : idMap.gids }
  const [holder, namespace] = [builder.cell('holder of the map'), builder.cell(`map of ${destination}`)]
  const [child, after] = [builder.label(), builder.label()]
  fork(builder, `make a user namespace for the map of ${destination}`, { pid: holder, flags: CLONE_NEWUSER, child })
  writeIdMaps(builder, holder, { ...maps, privileged: true, caller: users.caller })
  const path = processPath(builder, holder, 'ns/user')
  builder.call('open the user namespace', 'openat', [AT_FDCWD, path, O_RDONLY | O_CLOEXEC, 0], { save: namespace })
  builder.call('end its holder', 'kill', [holder, SIGKILL])
  builder.call('wait for its end', 'wait4', [holder, null, 0, null])
  builder.jump('go on in the outer process', after)
  builder.place(child)
  builder.call('end with the outer process', 'prctl', [PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0])
  builder.call('hold the user namespace', 'ppoll', [null, 0, null, null, 0])
  builder.place(after)
  return namespace
}
