import { CLONE_FILES, PR_SET_DUMPABLE } from '../kernel/constants/processes.ts'
import type { Cell, Label } from '../kernel/program.ts'
import type { ProgramBuilder } from '../kernel/program-builder.ts'
import type { DetachedSide } from './detached-side.ts'
import { bearSister, cloneGoBetween, cloneThroughGoBetween } from './go-between.ts'
import type { MonitorSide } from './monitor-side.ts'
import { cloneArguments, cloneChild, joinNamespace, type JoinedNamespace } from './namespaces.ts'
import { writeText } from './paths.ts'
import { leaveCourier, waitForCourier, type SeccompListener } from './seccomp-listener.ts'
import { becomeNamespaceRoot, writeIdMaps, type UserNamespace } from './user-namespace.ts'

export interface Birth {
  outer: MonitorSide | DetachedSide
  users: UserNamespace
  label: string
  /** CLONE_NEW* of the process. */
  flags: number
  /** Born in a v2 cgroup, whose directory `openCgroups` is given the cell for. */
  intoCgroup: boolean
  /** Fills the cell with the cgroup's directory; opens what else the child needs. */
  prepare: (cgroup: Cell) => void
  joined: readonly JoinedNamespace[]
  listener: SeccompListener | undefined
  /** In the outer process, when the pid is known and the ids are mapped. */
  adopt: (pid: Cell) => void
  /** In the outer process: what it is from now on. Does not come back. */
  finish: () => void
}

/**
 * Splits in two: an outer process that has the rights of its caller, and the child, which goes on with the next operation inside
 * its user namespace. @returns namespaces that the child has still to join
 */
export function cloneFirstProcess(builder: ProgramBuilder, birth: Birth): readonly JoinedNamespace[] {
  const { outer, users, label, joined, listener } = birth
  const flags = birth.flags | filesFlag(listener)
  // The ids of a process that hides belong to root, and an ordinary user could not map them.
  if (users.kind !== 'own' && !users.privileged) builder.call('let the ids be mapped', 'prctl', [PR_SET_DUMPABLE, 1, 0, 0, 0])
  const between = users.kind === 'joined'
  const args = cloneArguments(builder, outer.block.pidfd, between ? 0 : flags, birth.intoCgroup)
  birth.prepare(args.cgroup)
  const child = builder.label()
  const finish = (): void => {
    birth.adopt(outer.block.pid)
    if (users.kind === 'new') releaseChild(builder, outer, users)
    if (users.kind !== 'own' && !users.privileged) hide(builder)
    birth.finish()
  }
  if (between) {
    const order = inOrder(joined, users)
    const enter = (): void => {
      for (const namespace of order) joinNamespace(builder, namespace)
    }
    cloneThroughGoBetween(builder, { args, block: outer.block, flags, label, enter, child, outer: finish, ...courierOf(builder, birth) })
    beginChild(builder, child, birth)
    return []
  }
  // Inside a new user namespace there is no right to join what is the host's.
  const early = users.kind === 'new' && users.privileged
  if (early) for (const namespace of joined) joinNamespace(builder, namespace)
  cloneChild(builder, label, args, outer.block.pid, child)
  courierOf(builder, birth).leave?.(outer.block.pidfd)
  finish()
  beginChild(builder, child, birth)
  return early ? [] : joined
}

export interface FurtherBirth extends Omit<Birth, 'users' | 'label' | 'flags' | 'joined'> {
  /** Through a go-between, who enters the namespaces; `late`: and does all that comes before the returned function is called. */
  between: boolean | 'late'
  enter: () => void
}

/** As `cloneFirstProcess`, for a process that makes no namespaces. @returns what bears it, if late */
export function cloneFurtherProcess(builder: ProgramBuilder, birth: FurtherBirth): () => void {
  const { outer, intoCgroup, prepare, between, enter, adopt, finish, listener } = birth
  const flags = filesFlag(listener)
  const args = cloneArguments(builder, outer.block.pidfd, between === false ? flags : 0, intoCgroup)
  prepare(args.cgroup)
  const child = builder.label()
  const stay = (): void => {
    adopt(outer.block.pid)
    finish()
  }
  const sister = { block: outer.block, flags, label: 'clone the process', child, ...courierOf(builder, birth) }
  if (between === 'late') {
    const pipe = cloneGoBetween(builder, { args, block: outer.block, outer: stay })
    enter()
    return () => {
      bearSister(builder, pipe, { ...sister, plainly: true })
      beginChild(builder, child, birth)
    }
  }
  if (between) {
    cloneThroughGoBetween(builder, { args, enter, outer: stay, ...sister })
  } else {
    cloneChild(builder, sister.label, args, outer.block.pid, child)
    sister.leave?.(outer.block.pidfd)
    stay()
  }
  beginChild(builder, child, birth)
  return () => {}
}

/** The child's first steps in its user namespace; nothing in that of the caller. */
export function settleInUserNamespace(builder: ProgramBuilder, { sync }: Pick<MonitorSide, 'sync'>, users: UserNamespace, user: { uid: number; gid: number }, beforeHiding: () => void = () => {}): void {
  if (users.kind === 'own') return
  if (users.kind === 'new') builder.call('wait until the ids are mapped', 'read', [sync, builder.space(1, 1), 1], { min: 1 })
  becomeNamespaceRoot(builder, users, user)
  // What hides has files in /proc that only root outside may write.
  beforeHiding()
  hide(builder)
}

function filesFlag(listener: SeccompListener | undefined): number {
  return listener === undefined ? 0 : CLONE_FILES
}

/** What the maker of the child does about a seccomp listener, right after the clone. */
function courierOf(builder: ProgramBuilder, { listener, outer }: Pick<Birth, 'listener' | 'outer'>): { leave?: (pidfd: Cell) => void } {
  if (listener === undefined) return {}
  return {
    leave: (pidfd) => {
      leaveCourier(builder, listener, { block: outer.block, pidfd })
      writeText(builder, 'say that the courier is there', outer.own, 'c')
    },
  }
}

function beginChild(builder: ProgramBuilder, child: Label, { listener, outer }: Pick<Birth, 'listener' | 'outer'>): void {
  builder.place(child)
  if (listener !== undefined) waitForCourier(builder, outer)
}

function releaseChild(builder: ProgramBuilder, { block, own }: MonitorSide, users: UserNamespace): void {
  writeIdMaps(builder, block.pid, users)
  writeText(builder, 'say that the ids are mapped', own, 'm')
}

/** With rights over the host the other namespaces first; without, they are to be had from inside only. */
function inOrder(joined: readonly JoinedNamespace[], { privileged }: UserNamespace): JoinedNamespace[] {
  const rank = ({ type }: JoinedNamespace): number => Number((type === 'user') === privileged)
  return joined.toSorted((one, other) => rank(one) - rank(other))
}

function hide(builder: ProgramBuilder): void {
  builder.call('hide from tracers', 'prctl', [PR_SET_DUMPABLE, 0, 0, 0, 0])
}
