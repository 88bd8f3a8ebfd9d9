import { AT_FDCWD } from '../kernel/constants/files.ts'
import { ownCapabilities } from '../kernel/capabilities.ts'
import type { CgroupLayout } from '../kernel/cgroup/layout.ts'
import type { Program } from '../kernel/program.ts'
import { ProgramBuilder } from '../kernel/program-builder.ts'
import { CLONE_NEWPID } from '../kernel/constants/processes.ts'
import { becomeProcess } from './become-process.ts'
import { hasUnified, joinCgroups, openCgroups } from './cgroups.ts'
import { becomeMonitor, leaveMonitor, prepareMonitor } from './monitor-side.ts'
import { cloneArguments, cloneChild, namespaceFlags } from './namespaces.ts'
import { setOomScore } from './oom-score.ts'
import type { OciNamespace, OciProcess, OciSeccomp } from './spec.ts'
import type { StdioPlan } from './stdio.ts'
import { openTerminal } from './terminal.ts'
import { validateProcess } from './validate.ts'
import { openWorkingDirectory } from './working-directory.ts'

export interface CompileExec {
  /** Host pid of the container's init process. */
  pid: number
  process: OciProcess
  /** The container's own filter: an exec without it would be a way around it. */
  seccomp: OciSeccomp | undefined
  layout: CgroupLayout
  cgroupPath: string
  stdio: StdioPlan
  directory: string
  /** Types of namespace to join; all unless told: joining one that is the host's too changes nothing. */
  namespaces?: readonly OciNamespace[]
  /** As in `CompileContainer`. */
  capabilities?: bigint
}

const joinable: readonly OciNamespace[] = ['mount', 'pid', 'network', 'ipc', 'uts', 'cgroup', 'time']

/**
 * The program that runs a further process in a container: it enters the cgroup and the namespaces of `pid` and ends
 * as a container's program does.
 * @throws GantryError InvalidParameter or NotImplemented, naming the field of the process
 */
export function compileExec(options: CompileExec): Program {
  const { pid, process, namespaces = joinable } = options
  const cgroups = { layout: options.layout, path: options.cgroupPath }
  validateProcess(process)
  const builder = new ProgramBuilder()
  const monitor = prepareMonitor(builder, options.directory, options.stdio)
  const args = cloneArguments(builder, monitor.block, 0, hasUnified(cgroups.layout))
  const tasks = openCgroups(builder, cgroups, args.cgroup)
  const container = builder.cell('container')
  builder.call(`open process ${pid}`, 'pidfd_open', [pid, 0], { save: container })
  if (namespaces.includes('pid')) builder.call('join the pid namespace', 'setns', [container, CLONE_NEWPID])
  const child = builder.label()
  cloneChild(builder, 'clone the process', args, monitor.block, child)
  becomeMonitor(builder, monitor)

  builder.place(child)
  leaveMonitor(builder, monitor)
  joinCgroups(builder, tasks)
  if (process.oomScoreAdj !== undefined) setOomScore(builder, process.oomScoreAdj)
  const entered = namespaces.filter((type) => type !== 'pid')
  const flags = entered.reduce((all, type) => all | namespaceFlags[type], 0)
  builder.call(`join the namespaces of the container: ${entered.join(', ')}`, 'setns', [container, flags])
  const stdio = monitor.pipes === undefined ? { terminal: openTerminal(builder, AT_FDCWD, process.consoleSize) } : { pipes: monitor.pipes }
  const cwd = openWorkingDirectory(builder, process.cwd)
  becomeProcess(builder, { process, seccomp: options.seccomp, available: options.capabilities ?? ownCapabilities(), sync: monitor.sync, stdio, cwd })
  return builder.build()
}
