import { CLONE_PIDFD, SIGCHLD } from '../kernel/constants/processes.ts'
import { addressOf, offsetBy, type Cell, type Label } from '../kernel/program.ts'
import type { ProgramBuilder } from '../kernel/program-builder.ts'

const EIO = 5
const cloneArgumentsSize = 64

export interface Fork {
  /** Receives the pid. */
  pid: Cell
  pidfd?: Cell
  /** CLONE_NEW* */
  flags?: number
  /** Where the new process goes on. */
  child: Label
}

/** A plain fork (struct clone_args, version 0; man 2 clone3). */
export function fork(builder: ProgramBuilder, label: string, { pid, pidfd, flags = 0, child }: Fork): void {
  const bytes = Buffer.alloc(cloneArgumentsSize)
  bytes.writeBigUInt64LE(BigInt(flags >>> 0) | BigInt(pidfd === undefined ? 0 : CLONE_PIDFD), 0)
  bytes.writeBigUInt64LE(BigInt(SIGCHLD), 32)
  const args = builder.bytes(bytes)
  if (pidfd !== undefined) builder.pointerAt(offsetBy(args, 8), addressOf(pidfd))
  builder.call(label, 'clone3', [args, cloneArgumentsSize], { save: pid, onZero: child })
}

/** Waits for a child of this process; fails with EIO unless it ended with status 0. */
export function waitForSuccess(builder: ProgramBuilder, label: string, pid: Cell): void {
  const status = builder.cell('status')
  const succeeded = builder.label()
  builder.call(label, 'wait4', [pid, addressOf(status), 0, null])
  builder.test('see whether it succeeded', status, succeeded)
  builder.fail(label, EIO)
  builder.place(succeeded)
}

/** Runs a tool of the host on a process: `tool <pid> <args…>`. */
export function runHostTool(builder: ProgramBuilder, path: string, { pid, args }: { pid: Cell; args: readonly string[] }): void {
  const number = builder.space(12, 1)
  builder.format(`name the process for ${path}`, number, '%', pid)
  const tool = builder.cell(`pid of ${path}`)
  const [child, after] = [builder.label(), builder.label()]
  fork(builder, `fork for ${path}`, { pid: tool, child })
  builder.jump('go on in the outer process', after)
  builder.place(child)
  const argv = builder.pointers([builder.string(path), number, ...args.map((argument) => builder.string(argument))])
  builder.call(`run ${path}`, 'execve', [builder.string(path), argv, builder.pointers([])])
  builder.place(after)
  waitForSuccess(builder, `run ${path} with ${args.join(' ')}`, tool)
}
