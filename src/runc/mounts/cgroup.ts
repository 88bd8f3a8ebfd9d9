import { MOUNT_ATTR_NODEV, MOUNT_ATTR_NOEXEC, MOUNT_ATTR_NOSUID, MOUNT_ATTR_RDONLY, MS_BIND, MS_NODEV, MS_NOEXEC, MS_NOSUID } from '../../kernel/constants/mounts.ts'
import { AT_FDCWD, O_CLOEXEC, O_PATH, RESOLVE_IN_ROOT, RESOLVE_NO_SYMLINKS } from '../../kernel/constants/files.ts'
import { cgroupDirectory, type CgroupHierarchy } from '../../kernel/cgroup/layout.ts'
import type { Cell } from '../../kernel/program.ts'
import type { ProgramBuilder } from '../../kernel/program-builder.ts'
import type { CgroupPlan } from '../cgroups.ts'
import { openPath } from '../paths.ts'
import type { OciMount } from '../spec.ts'
import { setAttributes } from './attributes.ts'
import { withLabel } from './label.ts'
import { parseMountOptions } from './options.ts'
import { openTarget } from './target.ts'

const safe = MS_NOSUID | MS_NODEV | MS_NOEXEC

export interface CgroupSurroundings {
  cgroups: CgroupPlan
  /** Whether the container has a cgroup namespace of its own. */
  namespaced: boolean
  /** `linux.mountLabel` */
  label: string | undefined
}

/** Control groups as the container sees them: on v2 its own tree, on v1 (and hybrid) its place in every v1 tree. */
export function mountCgroups(builder: ProgramBuilder, root: Cell, mount: OciMount, surroundings: CgroupSurroundings): void {
  const { cgroups } = surroundings
  const target = builder.cell(`target ${mount.destination}`)
  openTarget(builder, { root, path: mount.destination, kind: 'directory', save: target, noSymlinks: true })
  builder.call(`enter ${mount.destination}`, 'fchdir', [target])
  if (cgroups.layout.mode === 'v2') mountV2(builder, root, mount, target, surroundings)
  else mountV1(builder, root, mount, target, surroundings)
}

function mountV2(builder: ProgramBuilder, root: Cell, mount: OciMount, target: Cell, { cgroups, namespaced }: CgroupSurroundings): void {
  const here = builder.string('.')
  const { flags, set, clear } = parseMountOptions(mount.options)
  if (namespaced) {
    builder.call(`mount cgroup2 on ${mount.destination}`, 'mount', [builder.string('cgroup'), here, builder.string('cgroup2'), flags, null])
    return
  }
  const own = cgroupDirectory(cgroups.layout.hierarchies[0]!, cgroups.path)
  builder.call(`bind ${own} to ${mount.destination}`, 'mount', [builder.string(own), here, null, MS_BIND, null])
  enterMount(builder, root, mount.destination, target)
  setAttributes(builder, `set flags of ${mount.destination}`, { path: '.' }, { set, clear })
}

/** Names are safe to use as paths here: the tmpfs is new and nobody else can reach it. */
function mountV1(builder: ProgramBuilder, root: Cell, mount: OciMount, target: Cell, { cgroups, namespaced, label }: CgroupSurroundings): void {
  const { destination } = mount
  const tmpfs = builder.string('tmpfs')
  builder.call(`mount tmpfs on ${destination}`, 'mount', [tmpfs, builder.string('.'), tmpfs, safe, builder.string(withLabel('mode=755', label))])
  enterMount(builder, root, destination, target)
  for (const hierarchy of cgroups.layout.hierarchies.filter(({ version }) => version === 1)) {
    const name = builder.string(hierarchy.name)
    builder.call(`make directory ${destination}/${hierarchy.name}`, 'mkdirat', [AT_FDCWD, name, 0o755])
    const source = namespaced ? 'cgroup' : cgroupDirectory(hierarchy, cgroups.path)
    const [type, flags, data] = namespaced
      ? [builder.string('cgroup'), safe, builder.string(hierarchy.controllers.join(','))]
      : [null, MS_BIND, null]
    builder.call(`mount cgroup ${hierarchy.name}`, 'mount', [builder.string(source), name, type, flags, data])
    linkControllers(builder, hierarchy)
  }
  const { set, clear } = parseMountOptions(mount.options)
  const strict = MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC | (set & MOUNT_ATTR_RDONLY)
  setAttributes(builder, `set flags of ${destination}`, { path: '.' }, { set: set | strict, clear: clear & ~strict, recursive: true })
}

/** From what lies below a new mount to the mount itself. */
function enterMount(builder: ProgramBuilder, root: Cell, path: string, target: Cell): void {
  openPath(builder, `open the new ${path}`, { directory: root, path, flags: O_PATH | O_CLOEXEC, resolve: RESOLVE_IN_ROOT | RESOLVE_NO_SYMLINKS }, { save: target })
  builder.call(`enter the new ${path}`, 'fchdir', [target])
}

/** "cpu" and "cpuacct" point at "cpu,cpuacct" where those are mounted together. */
function linkControllers(builder: ProgramBuilder, hierarchy: CgroupHierarchy): void {
  if (hierarchy.controllers.length < 2) return
  for (const controller of hierarchy.controllers) {
    if (controller === hierarchy.name) continue
    builder.call(`link ${controller} to ${hierarchy.name}`, 'symlinkat', [builder.string(hierarchy.name), AT_FDCWD, builder.string(controller)])
  }
}
