import { existsSync, mkdirSync, rmdirSync, writeFileSync } from 'node:fs'
import { join as joinPath } from 'node:path'
import { AT_FDCWD, O_CLOEXEC, O_WRONLY } from '../kernel/constants/files.ts'
import type { Cell } from '../kernel/program.ts'
import type { ProgramBuilder } from '../kernel/program-builder.ts'
import { GantryError } from '../lib/errors.ts'
import { writeText } from './paths.ts'
import { formatWithPid } from './pid-text.ts'
import { refuse } from './refuse.ts'
import type { HostSecurity } from './security.ts'
import type { OciIntelRdt, OciLinux } from './spec.ts'

const resctrl = '/sys/fs/resctrl'
const EEXIST = 17

/** Puts a process into its class of service (Documentation/filesystems/resctrl.rst); that of the container's own name unless told. */
export function joinIntelRdt(builder: ProgramBuilder, rdt: OciIntelRdt | undefined, { pid, id, host }: { pid: Cell; id: string; host: HostSecurity }): void {
  if (rdt === undefined) return
  if (!host.resctrl) refuse('linux.intelRdt', `this host has no resctrl at ${resctrl}`)
  const group = `${resctrl}/${rdt.closID ?? id}`
  const lines = [rdt.l3CacheSchema ?? '', rdt.memBwSchema ?? '', ...(rdt.schemata ?? [])].filter((line) => line !== '')
  // A class that is only named has to be there.
  if (rdt.closID === undefined || lines.length > 0) makeDirectory(builder, group)
  const file = builder.cell('file of resctrl')
  if (lines.length > 0) {
    builder.call(`open ${group}/schemata`, 'openat', [AT_FDCWD, builder.string(`${group}/schemata`), O_WRONLY | O_CLOEXEC, 0], { save: file })
    writeText(builder, `set linux.intelRdt to ${lines.join('; ')}`, file, `${lines.join('\n')}\n`)
    builder.call('close schemata', 'close', [file])
  }
  join(builder, group, pid, file)
  if (rdt.enableMonitoring !== true) return
  const monitored = `${group}/mon_groups/${id}`
  makeDirectory(builder, monitored)
  join(builder, monitored, pid, file)
}

export interface RdtUpdate {
  /** Its class of service: `linux.intelRdt.closID`, or its own name. */
  group: string
  l3CacheSchema?: string | undefined
  memBwSchema?: string | undefined
  /** Who goes into the class when it is not there yet. */
  pids: readonly number[]
  /** Where resctrl is mounted. */
  at?: string
}

/** Changes what a running container may use of cache and memory bandwidth. @throws GantryError Unavailable where the kernel has no resctrl */
export function updateIntelRdt({ group, l3CacheSchema = '', memBwSchema = '', pids, at = resctrl }: RdtUpdate): void {
  const lines = [l3CacheSchema, memBwSchema].filter((line) => line !== '')
  if (lines.length === 0) return
  if (!existsSync(joinPath(at, 'schemata'))) throw new GantryError('Unavailable', `cannot set Intel RDT: this host has no resctrl at ${at}`)
  const directory = joinPath(at, group)
  if (!existsSync(directory)) {
    mkdirSync(directory)
    for (const pid of pids) writeFileSync(joinPath(directory, 'tasks'), String(pid))
  }
  writeFileSync(joinPath(directory, 'schemata'), `${lines.join('\n')}\n`)
}

/** Removes the class of service that a container of this name was given. Fine when there is none. */
export function removeIntelRdt(rdt: OciLinux['intelRdt'], id: string): void {
  if (rdt === undefined) return
  for (const directory of rdt.closID === undefined ? [`${resctrl}/${id}`] : [`${resctrl}/${rdt.closID}/mon_groups/${id}`]) {
    try {
      rmdirSync(directory)
    } catch {
      // Gone, or never made.
    }
  }
}

function makeDirectory(builder: ProgramBuilder, path: string): void {
  builder.call(`make ${path}`, 'mkdirat', [AT_FDCWD, builder.string(path), 0o755], { ignore: [EEXIST] })
}

function join(builder: ProgramBuilder, group: string, pid: Cell, file: Cell): void {
  const length = builder.cell('length of the pid')
  const text = formatWithPid(builder, '%', pid, length)
  builder.call(`open ${group}/tasks`, 'openat', [AT_FDCWD, builder.string(`${group}/tasks`), O_WRONLY | O_CLOEXEC, 0], { save: file })
  builder.call(`join ${group}`, 'write', [file, text, length])
  builder.call('close tasks', 'close', [file])
}
