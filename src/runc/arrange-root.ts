import { AT_FDCWD } from '../kernel/constants/files.ts'
import { OPEN_TREE_CLOEXEC, OPEN_TREE_CLONE } from '../kernel/constants/mounts.ts'
import type { Cell } from '../kernel/program.ts'
import type { ProgramBuilder } from '../kernel/program-builder.ts'
import type { CgroupPlan } from './cgroups.ts'
import { hasOwnDev, hasTmpfsDev, makeDevices } from './devices.ts'
import { attachBind } from './mounts/bind.ts'
import { mountCgroups } from './mounts/cgroup.ts'
import type { TreeEntry } from './mounts/copy-up.ts'
import { mountFilesystem } from './mounts/filesystem.ts'
import { copyFromInside, type HostSources } from './mounts/sources.ts'
import { makesNew } from './namespaces.ts'
import { isolateMounts, placeRoot } from './rootfs.ts'
import { bindConsole, openTerminal, type Terminal } from './terminal.ts'
import type { ValidSpec } from './validate.ts'

export interface ArrangeRoot {
  spec: ValidSpec
  sources: HostSources
  cgroups: CgroupPlan
  terminal: boolean
  readTree: (directory: string) => readonly TreeEntry[]
  /** Receives a descriptor of a null device that nobody in the container can have made. */
  nullDevice: Cell
}

/** Mounts in the order of the specification, then what goes into /dev. */
export function arrangeRoot(builder: ProgramBuilder, { spec, sources, cgroups, terminal: hasTerminal, nullDevice, readTree }: ArrangeRoot): Terminal | undefined {
  const { root, binds, rootfs, fromOutside } = sources
  // A path of the host may be out of reach for who is nobody there; its root is not.
  copyFromInside(builder, sources, () => isolateMounts(builder), () => placeRoot(builder, root, fromOutside ? '/' : rootfs))
  if (!hasTmpfsDev(spec)) openHostNull(builder, nullDevice)
  for (const mount of spec.mounts) {
    const bind = binds.get(mount)
    if (bind !== undefined) attachBind(builder, root, bind)
    else if (mount.type === 'cgroup' || mount.type === 'cgroup2') mountCgroups(builder, root, mount, { cgroups, namespaced: makesNew(spec.linux.namespaces, 'cgroup'), label: spec.linux.mountLabel })
    else mountFilesystem(builder, root, mount, { label: spec.linux.mountLabel, readTree })
  }
  if (hasOwnDev(spec)) makeDevices(builder, spec, root, nullDevice, sources.devices)
  if (!hasTerminal) return undefined
  const terminal = openTerminal(builder, root, spec.process.consoleSize)
  if (hasOwnDev(spec)) bindConsole(builder, root, terminal)
  return terminal
}

function openHostNull(builder: ProgramBuilder, nullDevice: Cell): void {
  builder.call('copy the null device of the host', 'open_tree', [AT_FDCWD, builder.string('/dev/null'), OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC], { save: nullDevice })
}
