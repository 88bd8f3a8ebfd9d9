import { statSync } from 'node:fs'
import { AT_FDCWD, O_CLOEXEC, O_PATH } from '../kernel/constants/files.ts'
import { CLONE_NEWCGROUP } from '../kernel/constants/processes.ts'
import { ownCapabilities } from '../kernel/capabilities.ts'
import type { CgroupLayout } from '../kernel/cgroup/layout.ts'
import type { Cell, Program } from '../kernel/program.ts'
import { ProgramBuilder } from '../kernel/program-builder.ts'
import { GantryError } from '../lib/errors.ts'
import { becomeProcess } from './become-process.ts'
import { createCgroups, hasUnified, joinCgroups, openCgroups, planCgroups, type CgroupPlan, type CgroupTasks } from './cgroups.ts'
import { hasOwnDev, hasTmpfsDev, makeDevices } from './devices.ts'
import { setHostname } from './hostname.ts'
import { attachBind, copySource, isBind, planBind, propagates, type Bind } from './mounts/bind.ts'
import { mountCgroups } from './mounts/cgroup.ts'
import { mountFilesystem } from './mounts/filesystem.ts'
import { maskPaths, protectPaths } from './mounts/masked.ts'
import { becomeMonitor, leaveMonitor, prepareMonitor, type MonitorSide } from './monitor-side.ts'
import { cloneArguments, cloneChild, cloneFlags, joinNamespace, makesNew, makeTimeNamespace, openNamespaces, type JoinedNamespace } from './namespaces.ts'
import { setOomScore } from './oom-score.ts'
import { setPersonality } from './personality.ts'
import { enterRoot, finishRoot, isolateMounts, openRoot } from './rootfs.ts'
import type { OciMount, OciSpec } from './spec.ts'
import type { StdioPlan } from './stdio.ts'
import { setSysctls } from './sysctl.ts'
import { bindConsole, openTerminal, type Terminal } from './terminal.ts'
import { validateSpec, type ValidSpec } from './validate.ts'
import { makeWorkingDirectory, openWorkingDirectory } from './working-directory.ts'

export interface CompileContainer {
  spec: OciSpec
  /** Host path of the mounted root file system. */
  rootfs: string
  /** How the host arranges cgroups, and the container's place in them ("/docker/<id>"); see `prepareParents`. */
  layout: CgroupLayout
  cgroupPath: string
  stdio: StdioPlan
  /** The monitor's directory: its socket `s` and the `exit` file. */
  directory: string
  /** Capabilities that can be handed on, to which all sets are clipped; those of this process unless told. */
  capabilities?: bigint
  /** Whether the source of a bind mount is a directory; the host is asked unless told. */
  isDirectory?: (path: string) => boolean
}

/**
 * The program that makes a container: cgroup, namespaces, mounts, devices and rights as the OCI specification asks,
 * up to a process that waits for start. The network is made by others while it waits.
 * @throws GantryError InvalidParameter or NotImplemented, naming the field of the specification
 */
export function compileContainer(options: CompileContainer): Program {
  const spec = validateSpec(options.spec)
  const { namespaces, timeOffsets } = spec.linux
  const builder = new ProgramBuilder()
  const cgroups = planCgroups(options.layout, options.cgroupPath, spec.linux.resources)
  const monitor = prepareMonitor(builder, options.directory, options.stdio)
  createCgroups(builder, cgroups)
  const offsets = timeOffsets !== undefined && makesNew(namespaces, 'time')
  const args = cloneArguments(builder, monitor.block, cloneFlags(namespaces, offsets), hasUnified(cgroups.layout))
  const tasks = openCgroups(builder, cgroups, args.cgroup)
  const joined = openNamespaces(builder, namespaces)
  if (offsets) makeTimeNamespace(builder, timeOffsets)
  const child = builder.label()
  const created = namespaces.filter(({ path }) => !path).map(({ type }) => type)
  cloneChild(builder, `clone the first process with new namespaces: ${created.join(', ')}`, args, monitor.block, child)
  becomeMonitor(builder, monitor)
  builder.place(child)
  childSide(builder, options, spec, { monitor, cgroups, tasks, joined })
  return builder.build()
}

interface Inherited {
  monitor: MonitorSide
  cgroups: CgroupPlan
  tasks: CgroupTasks[]
  joined: JoinedNamespace[]
}

function childSide(builder: ProgramBuilder, options: CompileContainer, spec: ValidSpec, inherited: Inherited): void {
  const { process, linux } = spec
  const { monitor, cgroups, tasks, joined } = inherited
  leaveMonitor(builder, monitor)
  builder.call('let no mask change file modes', 'umask', [0])
  joinCgroups(builder, tasks)
  if (makesNew(linux.namespaces, 'cgroup')) builder.call('make a cgroup namespace', 'unshare', [CLONE_NEWCGROUP])
  for (const namespace of joined) joinNamespace(builder, namespace)
  if (process.oomScoreAdj !== undefined) setOomScore(builder, process.oomScoreAdj)
  const nullDevice = builder.cell('null device')
  const { root, terminal } = arrangeRoot(builder, options, spec, cgroups, nullDevice)
  setSysctls(builder, root, linux.sysctl ?? {})
  setHostname(builder, spec)
  setPersonality(builder, linux.personality)
  makeWorkingDirectory(builder, root, process.cwd)
  enterRoot(builder, root)
  finishRoot(builder, spec.root.readonly === true, linux.rootfsPropagation)
  maskPaths(builder, linux.maskedPaths ?? [], nullDevice)
  protectPaths(builder, linux.readonlyPaths ?? [])
  const cwd = openWorkingDirectory(builder, process.cwd)
  const stdio = terminal === undefined ? { pipes: monitor.pipes! } : { terminal }
  becomeProcess(builder, { process, seccomp: linux.seccomp, available: options.capabilities ?? ownCapabilities(), sync: monitor.sync, stdio, cwd })
}

/** Mounts in the order of the specification, then what goes into /dev. */
function arrangeRoot(builder: ProgramBuilder, options: CompileContainer, spec: ValidSpec, cgroups: CgroupPlan, nullDevice: Cell): { root: Cell; terminal?: Terminal } {
  const { isDirectory = isHostDirectory } = options
  const binds = new Map<OciMount, Bind>(spec.mounts.filter(isBind).map((mount) => [mount, planBind(builder, mount, isDirectory)]))
  for (const bind of binds.values()) if (propagates(bind)) copySource(builder, bind)
  isolateMounts(builder)
  const root = openRoot(builder, options.rootfs)
  for (const bind of binds.values()) if (!propagates(bind)) copySource(builder, bind)
  if (!hasTmpfsDev(spec)) openHostNull(builder, nullDevice)
  for (const mount of spec.mounts) {
    const bind = binds.get(mount)
    if (bind !== undefined) attachBind(builder, root, bind)
    else if (mount.type === 'cgroup' || mount.type === 'cgroup2') mountCgroups(builder, root, mount, cgroups, makesNew(spec.linux.namespaces, 'cgroup'))
    else mountFilesystem(builder, root, mount)
  }
  if (hasOwnDev(spec)) makeDevices(builder, spec, root, nullDevice)
  if (!options.stdio.terminal) return { root }
  const terminal = openTerminal(builder, root, spec.process.consoleSize)
  if (hasOwnDev(spec)) bindConsole(builder, root, terminal)
  return { root, terminal }
}

function isHostDirectory(path: string): boolean {
  const status = statSync(path, { throwIfNoEntry: false })
  if (status === undefined) throw new GantryError('InvalidParameter', `cannot bind ${path}: no such file or directory`)
  return status.isDirectory()
}

function openHostNull(builder: ProgramBuilder, nullDevice: Cell): void {
  builder.call('open the null device of the host', 'openat', [AT_FDCWD, builder.string('/dev/null'), O_PATH | O_CLOEXEC, 0], { save: nullDevice })
}
