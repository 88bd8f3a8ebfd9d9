import { CLONE_PARENT, CLONE_PIDFD, SIGCHLD } from '../kernel/constants/processes.ts'
import { O_CLOEXEC } from '../kernel/constants/files.ts'
import { addressOf, type Cell, type Label, type MonitorBlock } from '../kernel/program.ts'
import type { ProgramBuilder } from '../kernel/program-builder.ts'
import { cloneArguments, cloneChild, type CloneArguments } from './namespaces.ts'

const pidSize = 4
const P_PID = 1
const WNOHANG = 1
const WEXITED = 4
const WNOWAIT = 0x1000000

export interface GoBetween {
  /** Of the go-between: it is born in the cgroup. */
  args: CloneArguments
  block: MonitorBlock
  /** What the outer process does with the pid. */
  outer: () => void
}

export interface Sister {
  block: MonitorBlock
  /** CLONE_NEW* of the process. */
  flags: number
  label: string
  /** Where the process goes on. */
  child: Label
  /** What the go-between does when it has made the process. */
  leave?: ((pidfd: Cell) => void) | undefined
  /** By clone, which filters of system calls let through that hide clone3. */
  plainly?: boolean
}

/**
 * A user namespace of somebody else's, and what is made in it, can be entered only by who gives up his rights over the host.
 * The outer process keeps them: one between enters, makes the process as its own sister, hands the pid back and leaves.
 */
export function cloneThroughGoBetween(builder: ProgramBuilder, { enter, ...rest }: GoBetween & Sister & { enter: () => void }): void {
  const pipe = cloneGoBetween(builder, rest)
  enter()
  bearSister(builder, pipe, rest)
}

/** What follows is done by the go-between. @returns what it hands the pid back by */
export function cloneGoBetween(builder: ProgramBuilder, { args, block, outer }: GoBetween): Cell {
  const [reading, writing] = builder.cellPair('pid pipe', 'pid pipe of the go-between')
  const between = builder.cell('go-between')
  const inBetween = builder.label()
  builder.call('make a pipe for the pid', 'pipe2', [addressOf(reading), O_CLOEXEC])
  cloneChild(builder, 'clone a go-between', args, between, inBetween)
  builder.call("close the go-between's end", 'close', [writing])
  builder.call('learn the pid', 'read', [reading, addressOf(block.pid), pidSize], { min: pidSize })
  builder.call('close the pid pipe', 'close', [reading])
  builder.call('open the process', 'pidfd_open', [block.pid, 0], { save: block.pidfd })
  builder.call('wait for the go-between to leave', 'wait4', [between, null, 0, null])
  // Whoever may trace the process could have written another pid into the pipe.
  builder.call('see that it is a child', 'waitid', [P_PID, block.pid, null, WNOHANG | WEXITED | WNOWAIT, null])
  outer()
  builder.place(inBetween)
  return writing
}

/** In the go-between: what follows is done by the process. */
export function bearSister(builder: ProgramBuilder, writing: Cell, { block, flags, label, child, leave, plainly = false }: Sister): void {
  const pidfd = builder.cell('pidfd of the go-between')
  if (plainly) builder.call(label, 'clone', [flags | CLONE_PARENT | CLONE_PIDFD | SIGCHLD, null, addressOf(pidfd), null, null], { save: block.pid, onZero: child })
  else cloneChild(builder, label, cloneArguments(builder, pidfd, flags | CLONE_PARENT, false), block.pid, child)
  leave?.(pidfd)
  builder.call('hand the pid back', 'write', [writing, addressOf(block.pid), pidSize], { min: pidSize })
  builder.call('leave', 'exit_group', [0])
}
