import { closeSync, openSync, writeFileSync } from 'node:fs'
import { CLONE_NEWUSER, PR_SET_PDEATHSIG, SIGKILL } from './constants/processes.ts'
import type { Kernel } from './kernel.ts'
import { memoryFile } from './memory-file.ts'
import type { Program } from './program.ts'
import { ProgramBuilder } from './program-builder.ts'
import { encodeProgram } from './program-codec.ts'
import { runProgram } from './program-run.ts'
import { recordKinds, recordSize } from './status-records.ts'

/** Ids inside a user namespace and outside of it, as lines of /proc/<pid>/uid_map have them. */
export interface IdRange {
  containerID: number
  hostID: number
  size: number
}

export interface IdMaps {
  uids: readonly IdRange[]
  gids: readonly IdRange[]
}

/** Of a program that `gantry-init run` executes with no descriptors but 0, 1, 2: the program is 3. */
const statusChannel = 4

/**
 * A user namespace with these maps and nobody in it: what a mount's ids are mapped by (man 2 mount_setattr, "ID-mapped mounts").
 * Needs CAP_SETUID and CAP_SETGID.
 * @returns a descriptor, which keeps it alive
 */
export function openUserNamespace(kernel: Pick<Kernel, 'syscall'>, maps: IdMaps): number {
  const program = holdProgram()
  const file = memoryFile(kernel, 'user-namespace', encodeProgram(program))
  try {
    const { outer, status } = runProgram(kernel, { program, file, preserved: 0 })
    try {
      writeFileSync(`/proc/${outer}/uid_map`, mapText(maps.uids))
      writeFileSync(`/proc/${outer}/gid_map`, mapText(maps.gids))
      return openSync(`/proc/${outer}/ns/user`, 'r')
    } finally {
      process.kill(outer, SIGKILL)
      closeSync(status)
    }
  } finally {
    closeSync(file)
  }
}

/** Lines of "inside outside count" (man 7 user_namespaces). */
export function mapText(ranges: readonly IdRange[]): string {
  return ranges.map(({ containerID, hostID, size }) => `${containerID} ${hostID} ${size}\n`).join('')
}

function holdProgram(): Program {
  const builder = new ProgramBuilder()
  const record = Buffer.alloc(recordSize)
  record.writeUInt32LE(recordKinds.created, 0)
  builder.call('end with the engine', 'prctl', [PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0])
  builder.call('make a user namespace', 'unshare', [CLONE_NEWUSER])
  builder.call('say that it is there', 'write', [statusChannel, builder.bytes(record), recordSize], { min: recordSize })
  builder.call('hold the user namespace', 'ppoll', [null, 0, null, null, 0])
  return builder.build()
}
