import { statSync } from 'node:fs'
import { posix } from 'node:path'
import { CLONE_NEWCGROUP } from '../kernel/constants/processes.ts'
import type { CgroupLayout } from '../kernel/cgroup/layout.ts'
import type { Program } from '../kernel/program.ts'
import { ProgramBuilder } from '../kernel/program-builder.ts'
import { GantryError } from '../lib/errors.ts'
import { arrangeRoot } from './arrange-root.ts'
import { becomeProcess } from './become-process.ts'
import { cloneFirstProcess, settleInUserNamespace } from './birth.ts'
import { availableInside } from './capabilities.ts'
import { createCgroups, hasUnified, joinCgroups, openCgroups, planCgroups, type CgroupPlan, type OpenCgroup } from './cgroups.ts'
import type { DetachedPlan, DetachedSide } from './detached-side.ts'
import { runHooksInside } from './hooks-inside.ts'
import { setHostname } from './hostname.ts'
import { maskPaths, protectPaths } from './mounts/masked.ts'
import { bindSharedKernelFiles, withoutForeignGroup } from './mounts/shared-kernel-files.ts'
import { copyFromOutside, planSources, type HostSources } from './mounts/sources.ts'
import { leaveMonitor, type MonitorSide } from './monitor-side.ts'
import { cloneFlags, joinNamespace, makesNew, makeTimeNamespace, openNamespaces, type JoinedNamespace } from './namespaces.ts'
import { finishOuter, prepareOuter } from './outer-side.ts'
import { setPersonality } from './personality.ts'
import { setFromInside, setFromOutside } from './process-settings.ts'
import { enterRoot, finishRoot } from './rootfs.ts'
import type { OciSpec, OciState } from './spec.ts'
import { giveStdio, type StdioPlan } from './stdio.ts'
import { setSysctls } from './sysctl.ts'
import { copiesFromOutside, hostId, planUserNamespace, type Caller, type UserNamespace } from './user-namespace.ts'
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
  /** Without a monitor; `stdio` then says only whether there is a terminal. */
  detached?: DetachedPlan
  /** Capabilities that can be handed on, to which all sets are clipped; those of this process unless told. */
  capabilities?: bigint
  /** What hooks and seccomp listeners are told; names of the directories unless told. */
  identity?: { id: string; bundle: string }
  /** Who the outer process is; this process unless told. */
  caller?: Caller
  /** Whether the source of a bind mount is a directory; the host is asked unless told. */
  isDirectory?: (path: string) => boolean
}

/**
 * The program that makes a container: cgroup, namespaces, mounts, devices and rights as the OCI specification asks,
 * up to a process that waits for start. The network is made by others while it waits.
 * @throws GantryError InvalidParameter or NotImplemented, naming the field of the specification
 */
export function compileContainer(options: CompileContainer): Program {
  const { isDirectory = isHostDirectory } = options
  const valid = validateSpec(options.spec)
  const users = planUserNamespace(valid.linux, options.caller)
  const spec = fitToUserNamespace(valid, users)
  const { namespaces, timeOffsets } = spec.linux
  const builder = new ProgramBuilder()
  const cgroups = planCgroups(options.layout, options.cgroupPath, spec.linux.resources)
  const outer = prepareOuter(builder, options)
  createCgroups(builder, cgroups)
  const sources = planSources(builder, options.rootfs, spec, users, isDirectory)
  copyFromOutside(builder, sources, users)
  if (copiesFromOutside(users)) giveStdio(builder, outer, hostId(users.uids, spec.process.user.uid))
  const offsets = timeOffsets !== undefined && makesNew(namespaces, 'time')
  const opened: OpenCgroup[] = []
  const joined: JoinedNamespace[] = []
  const created = namespaces.filter(({ path }) => !path).map(({ type }) => type)
  const left = cloneFirstProcess(builder, {
    outer, users, joined,
    label: `clone the first process with new namespaces: ${created.join(', ')}`,
    flags: cloneFlags(namespaces, offsets),
    intoCgroup: hasUnified(cgroups.layout),
    prepare: (cgroup) => {
      opened.push(...openCgroups(builder, cgroups, cgroup))
      joined.push(...openNamespaces(builder, namespaces))
      if (offsets) makeTimeNamespace(builder, timeOffsets)
    },
    adopt: (pid) => setFromOutside(builder, pid, spec.process, users),
    finish: () => finishOuter(builder, outer, options.stdio.terminal),
  })
  childSide(builder, options, spec, { outer, users, cgroups, opened, joined: left, sources })
  return builder.build()
}

interface Inherited {
  outer: MonitorSide | DetachedSide
  users: UserNamespace
  cgroups: CgroupPlan
  opened: OpenCgroup[]
  joined: readonly JoinedNamespace[]
  sources: HostSources
}

function childSide(builder: ProgramBuilder, options: CompileContainer, spec: ValidSpec, inherited: Inherited): void {
  const { process, linux } = spec
  const { outer, users, cgroups, opened, joined, sources } = inherited
  const { root } = sources
  leaveMonitor(builder, outer)
  builder.call('let no mask change file modes', 'umask', [0])
  joinCgroups(builder, opened)
  settleInUserNamespace(builder, outer, users, process.user)
  if (makesNew(linux.namespaces, 'cgroup')) builder.call('make a cgroup namespace', 'unshare', [CLONE_NEWCGROUP])
  for (const namespace of joined) joinNamespace(builder, namespace)
  const available = options.capabilities ?? availableInside(users)
  setFromInside(builder, process, users, available)
  const nullDevice = builder.cell('null device')
  const terminal = arrangeRoot(builder, { spec, sources, cgroups, terminal: options.stdio.terminal, nullDevice })
  setSysctls(builder, root, linux.sysctl ?? {})
  setHostname(builder, spec)
  setPersonality(builder, linux.personality)
  makeWorkingDirectory(builder, root, process.cwd)
  runHooksInside(builder, { point: 'createContainer', hooks: spec.hooks?.createContainer ?? [], state: stateOf(options, spec, 'creating'), quiet: false })
  enterRoot(builder, root)
  finishRoot(builder, spec.root.readonly === true, linux.rootfsPropagation)
  maskPaths(builder, linux.maskedPaths ?? [], nullDevice)
  protectPaths(builder, linux.readonlyPaths ?? [])
  const cwd = openWorkingDirectory(builder, process.cwd)
  const start = { point: 'startContainer', hooks: spec.hooks?.startContainer ?? [], state: stateOf(options, spec, 'created'), quiet: true } as const
  becomeProcess(builder, { process, seccomp: linux.seccomp, beforeExecute: () => runHooksInside(builder, start), available, users, outer, terminal, cwd })
}

function stateOf({ identity, directory, rootfs }: CompileContainer, { ociVersion, annotations }: ValidSpec, status: OciState['status']): Omit<OciState, 'pid'> {
  const { id, bundle } = identity ?? { id: posix.basename(directory), bundle: posix.dirname(rootfs) }
  return { ociVersion, id, status, bundle, ...(annotations === undefined ? {} : { annotations }) }
}

/** Mounts as the user namespace allows them. */
function fitToUserNamespace(spec: ValidSpec, users: UserNamespace): ValidSpec {
  if (users.kind === 'own') return spec
  const mounts = bindSharedKernelFiles(spec.mounts, spec.linux.namespaces, users)
  const hasGroup = (gid: number): boolean => users.gids.length === 0 || hostId(users.gids, gid) !== undefined
  return { ...spec, mounts: withoutForeignGroup(mounts, hasGroup) }
}

function isHostDirectory(path: string): boolean {
  const status = statSync(path, { throwIfNoEntry: false })
  if (status === undefined) throw new GantryError('InvalidParameter', `cannot bind ${path}: no such file or directory`)
  return status.isDirectory()
}
