import { statSync } from 'node:fs'
import { posix } from 'node:path'
import { CLONE_NEWCGROUP } from '../kernel/constants/processes.ts'
import type { CgroupLayout } from '../kernel/cgroup/layout.ts'
import { isRootless } from '../kernel/host-user.ts'
import type { Program } from '../kernel/program.ts'
import { ProgramBuilder } from '../kernel/program-builder.ts'
import { GantryError } from '../lib/errors.ts'
import { arrangeRoot } from './arrange-root.ts'
import { becomeProcess } from './become-process.ts'
import { cloneFirstProcess, settleInUserNamespace } from './birth.ts'
import { availableInside } from './capabilities.ts'
import { delegateCgroup } from './cgroup-delegation.ts'
import { createCgroups, hasUnified, joinCgroups, openCgroups, planCgroups, type CgroupPlan, type OpenCgroup } from './cgroups.ts'
import { waitForHooks, type DetachedPlan, type DetachedSide } from './detached-side.ts'
import { runHooksInside } from './hooks-inside.ts'
import { setHostname } from './hostname.ts'
import { joinIntelRdt } from './intel-rdt.ts'
import { setMemoryPolicy } from './memory-policy.ts'
import { readTree, type TreeEntry } from './mounts/copy-up.ts'
import { throughDangling } from './mounts/dangling.ts'
import { bringLoopbackUp } from './loopback.ts'
import { maskPaths, protectPaths } from './mounts/masked.ts'
import { bindSharedKernelFiles, withoutForeignGroup } from './mounts/shared-kernel-files.ts'
import { copyFromOutside, planSources, type HostSources } from './mounts/sources.ts'
import { leaveMonitor, watchFile, type MonitorSide } from './monitor-side.ts'
import { cloneFlags, joinNamespace, enterTimeNamespace, makesNew, makeTimeNamespace, openNamespaces, type JoinedNamespace } from './namespaces.ts'
import { finishOuter, prepareOuter } from './outer-side.ts'
import { setPersonality } from './personality.ts'
import { setFromInside, setFromOutside } from './process-settings.ts'
import { refuse } from './refuse.ts'
import { enterRoot, enterRootByMove, finishRoot } from './rootfs.ts'
import { confinementOf, hostSecurity, openConfinement, type HostSecurity } from './security.ts'
import type { OciSpec, OciState } from './spec.ts'
import { giveStdio, type StdioPlan } from './stdio.ts'
import { connectListener, stateTemplate, type SeccompListener } from './seccomp-listener.ts'
import { setSysctls } from './sysctl.ts'
import { containerId, copiesFromOutside, hostId, planUserNamespace, type Caller, type UserNamespace } from './user-namespace.ts'
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
  /** A file of the cgroup, whose last words the monitor keeps. */
  watched?: string
  /** Without a monitor; `stdio` then says only whether there is a terminal. */
  detached?: DetachedPlan
  /** Capabilities that can be handed on, to which all sets are clipped; those of this process unless told. */
  capabilities?: bigint
  /** What hooks and seccomp listeners are told; names of the directories unless told. */
  identity?: { id: string; bundle: string }
  /** What is in a directory of the root file system (for tmpcopyup); it is looked at unless told. */
  readTree?: (directory: string) => readonly TreeEntry[]
  /** What the kernel has; it is looked at unless told. */
  security?: HostSecurity
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
  const { isDirectory = isHostDirectory, security = hostSecurity() } = options
  const valid = validateSpec(options.spec)
  const users = planUserNamespace(valid.linux, options.caller)
  const spec = fitToUserNamespace({ ...valid, mounts: throughDangling(options.rootfs, valid.mounts) }, users)
  const { namespaces, timeOffsets } = spec.linux
  const confinement = confinementOf(spec.process, security)
  if (spec.linux.mountLabel && !security.selinux) refuse('linux.mountLabel', 'this host has no SELinux')
  const builder = new ProgramBuilder()
  const cgroups = planCgroups(options.layout, options.cgroupPath, spec.linux.resources, !isRootless(users.caller.uid))
  const outer = prepareOuter(builder, options)
  createCgroups(builder, cgroups)
  if (options.watched !== undefined && 'block' in outer) watchFile(builder, outer, options.watched)
  delegateCgroup(builder, cgroups, spec, users)
  const sources = planSources(builder, options.rootfs, spec, users, isDirectory)
  copyFromOutside(builder, sources, users)
  if (copiesFromOutside(users)) giveStdio(builder, outer, hostId(users.uids, spec.process.user.uid))
  const listener = connectListener(builder, spec.linux.seccomp, outer, stateTemplate(stateOf(options, spec, 'creating')))
  const offsets = timeOffsets !== undefined && makesNew(namespaces, 'time')
  const opened: OpenCgroup[] = []
  const joined: JoinedNamespace[] = []
  const created = namespaces.filter(({ path }) => !path).map(({ type }) => type)
  const left = cloneFirstProcess(builder, {
    outer, users, joined, listener,
    label: `clone the first process with new namespaces: ${created.join(', ')}`,
    flags: cloneFlags(namespaces, offsets),
    intoCgroup: hasUnified(cgroups.layout),
    prepare: (cgroup) => {
      opened.push(...openCgroups(builder, cgroups, cgroup))
      joined.push(...openNamespaces(builder, namespaces))
      if (offsets && !movesClocksInside(users)) makeTimeNamespace(builder, timeOffsets)
    },
    adopt: (pid) => {
      setFromOutside(builder, pid, spec.process, users)
      joinIntelRdt(builder, spec.linux.intelRdt, { pid, id: identityOf(options).id, host: security })
    },
    finish: () => finishOuter(builder, outer, options.stdio.terminal),
  })
  childSide(builder, options, spec, { outer, users, cgroups, opened, joined: left, sources, listener, confinement })
  return builder.build()
}

interface Inherited {
  outer: MonitorSide | DetachedSide
  users: UserNamespace
  cgroups: CgroupPlan
  opened: OpenCgroup[]
  joined: readonly JoinedNamespace[]
  sources: HostSources
  listener: SeccompListener | undefined
  confinement: ReturnType<typeof confinementOf>
}

function childSide(builder: ProgramBuilder, options: CompileContainer, spec: ValidSpec, inherited: Inherited): void {
  const { process, linux } = spec
  const { outer, users, cgroups, opened, joined, sources, listener, confinement } = inherited
  const { root } = sources
  leaveMonitor(builder, outer)
  builder.call('let no mask change file modes', 'umask', [0])
  joinCgroups(builder, opened)
  settleInUserNamespace(builder, outer, users, process.user, () => {
    if (linux.timeOffsets !== undefined && makesNew(linux.namespaces, 'time') && movesClocksInside(users)) enterTimeNamespace(builder, linux.timeOffsets)
  })
  if (makesNew(linux.namespaces, 'cgroup')) builder.call('make a cgroup namespace', 'unshare', [CLONE_NEWCGROUP])
  for (const namespace of joined) joinNamespace(builder, namespace)
  // The engine makes its containers' networks itself.
  if ('plan' in outer && makesNew(linux.namespaces, 'network')) bringLoopbackUp(builder)
  const available = options.capabilities ?? availableInside(users)
  setFromInside(builder, process, users, available)
  if (linux.memoryPolicy !== undefined) setMemoryPolicy(builder, linux.memoryPolicy)
  const confine = openConfinement(builder, confinement)
  const nullDevice = builder.cell('null device')
  const terminal = arrangeRoot(builder, { spec, sources, cgroups, terminal: options.stdio.terminal, nullDevice, readTree: treeReader(options, users) })
  setSysctls(builder, root, linux.sysctl ?? {})
  setHostname(builder, spec)
  setPersonality(builder, linux.personality)
  makeWorkingDirectory(builder, root, process.cwd)
  waitForHooks(builder, outer)
  runHooksInside(builder, { point: 'createContainer', hooks: spec.hooks?.createContainer ?? [], state: stateOf(options, spec, 'creating'), quiet: false })
  if ('plan' in outer && outer.plan.noPivot === true) enterRootByMove(builder, root)
  else enterRoot(builder, root)
  finishRoot(builder, spec.root.readonly === true, linux.rootfsPropagation)
  maskPaths(builder, linux.maskedPaths ?? [], { nullDevice, label: linux.mountLabel })
  protectPaths(builder, linux.readonlyPaths ?? [])
  const cwd = openWorkingDirectory(builder, process.cwd)
  const start = { point: 'startContainer', hooks: spec.hooks?.startContainer ?? [], state: stateOf(options, spec, 'created'), quiet: true } as const
  becomeProcess(builder, { process, seccomp: linux.seccomp, beforeExecute: () => runHooksInside(builder, start), available, users, listener, confine, outer, terminal, cwd })
}

function identityOf({ identity, directory, rootfs }: CompileContainer): { id: string; bundle: string } {
  return identity ?? { id: posix.basename(directory), bundle: posix.dirname(rootfs) }
}

function stateOf(options: CompileContainer, { ociVersion, annotations }: ValidSpec, status: OciState['status']): Omit<OciState, 'pid'> {
  const { id, bundle } = identityOf(options)
  return { ociVersion, id, status, bundle, ...(annotations === undefined ? {} : { annotations }) }
}

/** An ordinary user has no right to a time namespace outside of his user namespace. */
function movesClocksInside({ kind, privileged }: UserNamespace): boolean {
  return kind !== 'own' && !privileged
}

/** Mounts as the user namespace allows them. */
function fitToUserNamespace(spec: ValidSpec, users: UserNamespace): ValidSpec {
  if (users.kind === 'own') return spec
  const mounts = bindSharedKernelFiles(spec.mounts, spec.linux.namespaces, users)
  const hasGroup = (gid: number): boolean => users.gids.length === 0 || hostId(users.gids, gid) !== undefined
  return { ...spec, mounts: withoutForeignGroup(mounts, hasGroup) }
}

/** What `fchownat` takes for "leave it". */
const unchanged = 0xffff_ffff

function treeReader({ rootfs, readTree: read = (directory): TreeEntry[] => readTree(rootfs, directory) }: CompileContainer, { kind, uids, gids }: UserNamespace): (directory: string) => TreeEntry[] {
  const inside = kind === 'own' ? (entry: TreeEntry): TreeEntry => entry : (entry: TreeEntry): TreeEntry => ({ ...entry, uid: containerId(uids, entry.uid) ?? unchanged, gid: containerId(gids, entry.gid) ?? unchanged })
  return (directory) => read(directory).map(inside)
}

function isHostDirectory(path: string): boolean {
  const status = statSync(path, { throwIfNoEntry: false })
  if (status === undefined) throw new GantryError('InvalidParameter', `cannot bind ${path}: no such file or directory`)
  return status.isDirectory()
}
