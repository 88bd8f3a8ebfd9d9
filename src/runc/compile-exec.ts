import { posix } from 'node:path'
import { AT_FDCWD, O_CLOEXEC, O_PATH } from '../kernel/constants/files.ts'
import type { CgroupHierarchy, CgroupLayout } from '../kernel/cgroup/layout.ts'
import type { Cell, Program } from '../kernel/program.ts'
import { ProgramBuilder } from '../kernel/program-builder.ts'
import { CLONE_NEWPID } from '../kernel/constants/processes.ts'
import { becomeProcess } from './become-process.ts'
import { filterAllowsBirth } from './early-filter.ts'
import { cloneFurtherProcess, settleInUserNamespace } from './birth.ts'
import { availableInside } from './capabilities.ts'
import { maySomebodyTrace } from './tracers.ts'
import { hasUnified, joinCgroups, openCgroups, type OpenCgroup } from './cgroups.ts'
import { closeMonitorEnd, leaveMonitor, type MonitorSide } from './monitor-side.ts'
import { namespaceFlags } from './namespaces.ts'
import { connectListener, stateTemplate } from './seccomp-listener.ts'
import { setCpuAffinity } from './cpu-affinity.ts'
import type { DetachedPlan } from './detached-side.ts'
import { canSetForAnother, setForAnother, setFromInside, setFromOutside } from './process-settings.ts'
import { confinementOf, hostSecurity, openConfinement, type HostSecurity } from './security.ts'
import { setRlimits } from './rlimits.ts'
import type { OciNamespace, OciProcess, OciSeccomp } from './spec.ts'
import { finishOuter, prepareOuter } from './outer-side.ts'
import { withoutNulls } from './shape.ts'
import { giveStdio, type StdioPlan } from './stdio.ts'
import { openTerminal } from './terminal.ts'
import { copiesFromOutside, hostId, userNamespaceOf, type UserNamespace } from './user-namespace.ts'
import { validateProcess } from './validate.ts'
import { openWorkingDirectory } from './working-directory.ts'

const EBADF = 9

export interface CompileExec {
  /** Host pid of the container's init process. */
  pid: number
  process: OciProcess
  /** The container's own filter: an exec without it would be a way around it. */
  seccomp: OciSeccomp | undefined
  layout: CgroupLayout
  cgroupPath: string
  /** Where below that, in each tree; there unless told. */
  subCgroup?: (hierarchy: CgroupHierarchy) => string
  stdio: StdioPlan
  directory: string
  /** Without a monitor; `stdio` then says only whether there is a terminal. */
  detached?: DetachedPlan
  /** Types of namespace to join; all unless told: joining one that is the host's too changes nothing. */
  namespaces?: readonly OciNamespace[]
  /** As in `CompileContainer`. */
  identity?: { id: string; bundle: string }
  security?: HostSecurity
  /** The user namespace of `pid`; looked up unless told. */
  users?: UserNamespace
  /** As in `CompileContainer`. */
  capabilities?: bigint
  /** Whether the container, or who shares its pid namespace, may trace what enters; looked up unless told. */
  watched?: boolean
}

const joinable: readonly OciNamespace[] = ['mount', 'pid', 'network', 'ipc', 'uts', 'cgroup', 'time']

/**
 * The program that runs a further process in a container: it enters the cgroup and the namespaces of `pid` and ends
 * as a container's program does.
 * @throws GantryError InvalidParameter or NotImplemented, naming the field of the process
 */
export function compileExec(options: CompileExec): Program {
  const { program, filtersFirst } = compile(options, true)
  return !filtersFirst || filterAllowsBirth(program, options.seccomp) ? program : compile(options, false).program
}

function compile(options: CompileExec, mayFilterFirst: boolean): { program: Program; filtersFirst: boolean } {
  const { pid, users = userNamespaceOf(pid) } = options
  const process = withoutNulls(options.process)
  const { namespaces = users.kind === 'own' ? joinable : [...joinable, 'user'] } = options
  const { layout, cgroupPath, subCgroup = (): string => '' } = options
  validateProcess(process)
  const builder = new ProgramBuilder()
  const outer = prepareOuter(builder, options)
  if (copiesFromOutside(users)) giveStdio(builder, outer, hostId(users.uids, process.user.uid))
  const { id, bundle } = options.identity ?? { id: posix.basename(options.cgroupPath), bundle: '' }
  const listener = connectListener(builder, options.seccomp, outer, stateTemplate({ ociVersion: '1.2.0', id, status: 'running', pid, bundle }))
  const confinement = confinementOf(process, options.security ?? hostSecurity())
  // A container that may trace sees what enters as soon as that has a pid there: it must have nothing of the host, and no right that the
  // container has not, by then.
  const watched = users.kind === 'own' && (options.watched ?? maySomebodyTrace(pid, process))
  // Else, with rights over the host, the child itself can enter; a pid namespace holds for children only.
  const between = watched ? 'late' : users.kind === 'joined' && !users.privileged
  const proc = confinement !== undefined && between === true ? builder.cell('/proc of the host') : undefined
  const container = builder.cell('container')
  const opened: OpenCgroup[] = []
  const entered = namespaces.filter((type) => (between !== false ? users.shared?.includes(type) !== true : type !== 'pid'))
  const available = options.capabilities ?? availableInside(users)
  const join = (): void => {
    setCpuAffinity(builder, 'process.execCPUAffinity.initial', process.execCPUAffinity?.initial)
    joinCgroups(builder, opened)
    setCpuAffinity(builder, 'process.execCPUAffinity.final', process.execCPUAffinity?.final)
  }
  let confine: (() => void) | undefined
  // A limit of processes must not count the go-between. Who cannot set it for another process cannot raise it either, so it can wait.
  const setByOther = watched && canSetForAnother(available)
  const [setLate, setEarly] = watched ? partition(process.rlimits ?? []) : [[], process.rlimits]
  const enter = (): void => {
    if (watched && listener === undefined) closeMonitorEnd(builder, outer)
    if (watched) join()
    if (!setByOther) setFromInside(builder, setEarly === undefined ? process : { ...process, rlimits: setEarly }, users, available)
    // Across a clone it stays in force (aa_dup_task_ctx, selinux_cred_prepare).
    if (watched) confine = openConfinement(builder, confinement, { closes: true })
    if (proc !== undefined) builder.call('open /proc of the host', 'openat', [AT_FDCWD, builder.string('/proc'), O_PATH | O_CLOEXEC, 0], { save: proc })
    const flags = entered.reduce((all, type) => all | namespaceFlags[type], 0)
    builder.call(`join the namespaces of the container: ${entered.join(', ')}`, 'setns', [container, flags])
    if (watched) leaveHost(builder, outer, container)
  }
  const bear = cloneFurtherProcess(builder, {
    outer, between, enter, listener,
    intoCgroup: hasUnified(layout),
    prepare: (cgroup) => {
      for (const hierarchy of layout.hierarchies) {
        const place = { layout: { ...layout, hierarchies: [hierarchy] }, path: `${cgroupPath}/${subCgroup(hierarchy)}` }
        opened.push(...openCgroups(builder, place, cgroup))
      }
      builder.call(`open process ${pid}`, 'pidfd_open', [pid, 0], { save: container })
      if (!between && namespaces.includes('pid')) builder.call('join the pid namespace', 'setns', [container, CLONE_NEWPID])
    },
    adopt: (own) => (setByOther ? setForAnother(builder, own, process) : setFromOutside(builder, own, process, users)),
    finish: () => finishOuter(builder, outer, options.stdio.terminal),
  })
  if (!watched) {
    leaveMonitor(builder, outer)
    join()
  }
  confine ??= openConfinement(builder, confinement, proc === undefined ? {} : { proc })
  if (between === false) enter()
  settleInUserNamespace(builder, outer, users, process.user)
  const terminal = options.stdio.terminal ? openTerminal(builder, AT_FDCWD, process.consoleSize) : undefined
  // A supervisor's courier is told by the go-between.
  const bearAlone = (): void => {
    bear()
    if (!setByOther) setRlimits(builder, 0, setLate)
    if (listener !== undefined) closeMonitorEnd(builder, outer)
  }
  const filtersFirst = watched && mayFilterFirst && listener === undefined && options.seccomp !== undefined
  const cwd = openWorkingDirectory(builder, process.cwd)
  becomeProcess(builder, { process, seccomp: options.seccomp, available, users, listener, confine, outer, terminal, cwd, ...(watched ? { birth: { bear: bearAlone, filterFirst: filtersFirst } } : {}) })
  return { program: builder.build(), filtersFirst }
}

function partition(rlimits: NonNullable<OciProcess['rlimits']>): [late: typeof rlimits, early: typeof rlimits] {
  const late = ({ type }: (typeof rlimits)[number]): boolean => type === 'RLIMIT_NPROC'
  return [rlimits.filter(late), rlimits.filter((limit) => !late(limit))]
}

/** What the outer process needs, and the process to come does not. */
function leaveHost(builder: ProgramBuilder, { block }: Pick<MonitorSide, 'block'>, container: Cell): void {
  builder.call('close the process of the container', 'close', [container])
  for (const [name, descriptor] of [['log', block.log], ['socket of the monitor', block.listen], ['watched file', block.watched]] as const) builder.call(`close the ${name}`, 'close', [descriptor], { ignore: [EBADF] })
}
