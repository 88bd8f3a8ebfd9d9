import { CLONE_PARENT } from '../kernel/constants/processes.ts'
import { O_CLOEXEC } from '../kernel/constants/files.ts'
import { addressOf, type Cell, type Label, type MonitorBlock } from '../kernel/program.ts'
import type { ProgramBuilder } from '../kernel/program-builder.ts'
import { cloneArguments, cloneChild, type CloneArguments } from './namespaces.ts'

const pidSize = 4

export interface GoBetween {
  /** Of the go-between: it is born in the cgroup. */
  args: CloneArguments
  block: MonitorBlock
  /** CLONE_NEW* of the process. */
  flags: number
  label: string
  /** What the go-between does first: enters namespaces. */
  enter: () => void
  /** Where the process goes on. */
  child: Label
  /** What the go-between does when it has made the process. */
  leave?: (pidfd: Cell) => void
  /** What the outer process does with the pid. */
  outer: () => void
}

/**
 * A user namespace of somebody else's, and what is made in it, can be entered only by who gives up his rights over the host.
 * The outer process keeps them: one between enters, makes the process as its own sister, hands the pid back and leaves.
 */
export function cloneThroughGoBetween(builder: ProgramBuilder, { args, block, flags, label, enter, child, outer, leave }: GoBetween): void {
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
  outer()

  builder.place(inBetween)
  enter()
  const pidfd = builder.cell('pidfd of the go-between')
  const sister = cloneArguments(builder, pidfd, flags | CLONE_PARENT, false)
  cloneChild(builder, label, sister, block.pid, child)
  leave?.(pidfd)
  builder.call('hand the pid back', 'write', [writing, addressOf(block.pid), pidSize], { min: pidSize })
  builder.call('leave', 'exit_group', [0])
}
