import { readFileSync, readlinkSync } from 'node:fs'
import { AT_FDCWD, O_CLOEXEC, O_WRONLY } from '../kernel/constants/files.ts'
import type { Cell } from '../kernel/program.ts'
import type { ProgramBuilder } from '../kernel/program-builder.ts'
import { writeText } from './paths.ts'
import { runHostTool } from './host-tool.ts'
import type { OciIdMapping, OciLinux, OciNamespace } from './spec.ts'

/** Who makes a container. Without rights over the host, ids come from a single mapping or from newuidmap and newgidmap. */
export interface Caller {
  uid: number
  gid: number
}

/** The user namespace that a process ends up in (man 7 user_namespaces). */
export interface UserNamespace {
  /** That of the caller; a new one; one of somebody else's. */
  kind: 'own' | 'new' | 'joined'
  /** Empty when they are not known: one that is joined. */
  uids: readonly OciIdMapping[]
  gids: readonly OciIdMapping[]
  /** Whether the outer process has rights over the host, which the process inside has not. */
  privileged: boolean
  /** Whether groups can be set inside. */
  setsGroups: boolean
  caller: Caller
  /** What a running process has in common with the caller, who cannot join it once inside. */
  shared?: readonly OciNamespace[]
}

export function planUserNamespace(linux: OciLinux, caller: Caller = ownIdentity()): UserNamespace {
  const namespace = (linux.namespaces ?? []).find(({ type }) => type === 'user')
  const kind = namespace === undefined ? 'own' : namespace.path ? 'joined' : 'new'
  const { uidMappings: uids = [], gidMappings: gids = [] } = linux
  const privileged = caller.uid === 0
  return { kind, uids, gids, privileged, setsGroups: kind !== 'new' || privileged || !isSingle(gids, caller.gid), caller }
}

const files: readonly [OciNamespace, string][] = [['mount', 'mnt'], ['pid', 'pid'], ['network', 'net'], ['ipc', 'ipc'], ['uts', 'uts'], ['cgroup', 'cgroup'], ['time', 'time']]

/** The user namespace of a running process, seen from here. */
export function userNamespaceOf(pid: number, caller: Caller = ownIdentity()): UserNamespace {
  const own: UserNamespace = { kind: 'own', uids: [], gids: [], privileged: caller.uid === 0, setsGroups: true, caller }
  try {
    if (sameNamespace(pid, 'user')) return own
    const read = (file: string): string => readFileSync(`/proc/${pid}/${file}`, 'latin1')
    const shared = files.filter(([, file]) => sameNamespace(pid, file)).map(([type]) => type)
    return { ...own, shared, kind: 'joined', uids: parseIdMap(read('uid_map')), gids: parseIdMap(read('gid_map')), setsGroups: read('setgroups').trim() !== 'deny' }
  } catch {
    return own // gone, or not ours: joining it says so
  }
}

function sameNamespace(pid: number, file: string): boolean {
  return readlinkSync(`/proc/${pid}/ns/${file}`) === readlinkSync(`/proc/self/ns/${file}`)
}

function ownIdentity(): Caller {
  return { uid: process.geteuid?.() ?? 0, gid: process.getegid?.() ?? 0 }
}

/** Lines of "inside outside count". */
function parseIdMap(text: string): OciIdMapping[] {
  return text.split('\n').filter(Boolean).map((line) => {
    const [containerID = 0, hostID = 0, size = 0] = line.trim().split(/\s+/).map(Number)
    return { containerID, hostID, size }
  })
}

/** The host's number for one of the container; undefined when it has none. */
export function hostId(mappings: readonly OciIdMapping[], id: number): number | undefined {
  const mapping = mappings.find(({ containerID, size }) => id >= containerID && id < containerID + size)
  return mapping === undefined ? undefined : mapping.hostID + id - mapping.containerID
}

/** The container's number for one of the host, as its files have them; undefined when it has none. */
export function containerId(mappings: readonly OciIdMapping[], id: number): number | undefined {
  const mapping = mappings.find(({ hostID, size }) => id >= hostID && id < hostID + size)
  return mapping === undefined ? undefined : mapping.containerID + id - mapping.hostID
}

/** Whether the host's mounts must be copied from outside: the process inside may be unable to walk to them. */
export function copiesFromOutside({ kind, privileged }: UserNamespace): boolean {
  return kind !== 'own' && privileged
}

const ownerFiles = ['uid_map', 'gid_map'] as const

/** In the outer process: gives the namespace of `pid` its ids. */
export function writeIdMaps(builder: ProgramBuilder, pid: Cell, users: Pick<UserNamespace, 'uids' | 'gids' | 'privileged' | 'caller'>): void {
  const maps = { uid_map: users.uids, gid_map: users.gids }
  const own = { uid_map: users.caller.uid, gid_map: users.caller.gid }
  const tools = { uid_map: 'newuidmap', gid_map: 'newgidmap' }
  for (const file of ownerFiles) {
    if (users.privileged || isSingle(maps[file], own[file])) {
      // Whoever could drop a group could pass a file that denies it something: the kernel wants this first.
      if (!users.privileged && file === 'gid_map') writeProcessFile(builder, pid, 'setgroups', 'deny')
      writeProcessFile(builder, pid, file, maps[file].map(({ containerID, hostID, size }) => `${containerID} ${hostID} ${size}\n`).join(''))
    } else {
      const numbers = maps[file].flatMap(({ containerID, hostID, size }) => [containerID, hostID, size].map(String))
      runHostTool(builder, `/usr/bin/${tools[file]}`, { pid, args: numbers })
    }
  }
}

function isSingle(mappings: readonly OciIdMapping[], id: number): boolean {
  return mappings.length === 1 && mappings[0]!.size === 1 && mappings[0]!.hostID === id
}

/** Writes to /proc/<pid>/<name>, with a pid that is known only when the program runs. */
export function writeProcessFile(builder: ProgramBuilder, pid: Cell, name: string, text: string, ignore: readonly number[] = []): void {
  const path = processPath(builder, pid, name)
  const file = builder.cell(name)
  builder.call(`open ${name} of the process`, 'openat', [AT_FDCWD, path, O_WRONLY | O_CLOEXEC, 0], { save: file })
  writeText(builder, `set ${name} to ${text.trim().replaceAll('\n', ', ')}`, file, text, { ignore })
  builder.call(`close ${name}`, 'close', [file])
}

/** Room with "/proc/<pid>/<name>". */
export function processPath(builder: ProgramBuilder, pid: Cell, name: string): ReturnType<ProgramBuilder['space']> {
  const template = `/proc/%/${name}`
  const path = builder.space(template.length + 11, 1)
  builder.format(`name ${name} of the process`, path, template, pid)
  return path
}

/** In the child: the user of the namespace that everything is made as. */
export function becomeNamespaceRoot(builder: ProgramBuilder, users: UserNamespace, fallback: { uid: number; gid: number }): void {
  const uid = users.uids.length === 0 || hostId(users.uids, 0) !== undefined ? 0 : fallback.uid
  const gid = users.gids.length === 0 || hostId(users.gids, 0) !== undefined ? 0 : fallback.gid
  if (users.setsGroups) builder.call('leave the groups of the host', 'setgroups', [0, null])
  builder.call(`become group ${gid} of the user namespace`, 'setresgid', [gid, gid, gid])
  builder.call(`become user ${uid} of the user namespace`, 'setresuid', [uid, uid, uid])
}
