import { AT_FDCWD } from '../../kernel/constants/files.ts'
import { MOUNT_ATTR_IDMAP, MS_PRIVATE, MS_SLAVE, OPEN_TREE_CLOEXEC, OPEN_TREE_CLONE } from '../../kernel/constants/mounts.ts'
import type { Cell } from '../../kernel/program.ts'
import type { ProgramBuilder } from '../../kernel/program-builder.ts'
import { isBoundDevice, wantedDevices } from '../devices.ts'
import { copyRoot } from '../rootfs.ts'
import type { OciMount } from '../spec.ts'
import { copiesFromOutside, type UserNamespace } from '../user-namespace.ts'
import type { ValidSpec } from '../validate.ts'
import { setAttributes } from './attributes.ts'
import { copySource, isBind, planBind, propagates, type Bind } from './bind.ts'
import { openMappedNamespace } from './id-map.ts'

/** The trees of the host that a container is made of; each is copied while its path can still be walked. */
export interface HostSources {
  rootfs: string
  root: Cell
  binds: ReadonlyMap<OciMount, Bind>
  /** Host devices by path, in place of nodes: in a user namespace none can be made. */
  devices: ReadonlyMap<string, Cell>
  /** Copied by the outer process, before the clone. */
  fromOutside: boolean
}

export function planSources(builder: ProgramBuilder, rootfs: string, spec: ValidSpec, users: UserNamespace, isDirectory: (path: string) => boolean): HostSources {
  const binds = spec.mounts.filter(isBind).map((mount): [OciMount, Bind] => [mount, planBind(builder, mount, isDirectory)])
  const bound = users.kind === 'own' ? [] : wantedDevices(spec).filter(isBoundDevice)
  const devices = bound.map(({ path }): [string, Cell] => [path, builder.cell(`tree of ${path}`)])
  return { rootfs, root: builder.cell('root'), binds: new Map(binds), devices: new Map(devices), fromOutside: copiesFromOutside(users) }
}

/** In the outer process. Ids of a mount can be mapped only here, by who has rights over its file system. */
export function copyFromOutside(builder: ProgramBuilder, sources: HostSources, users: UserNamespace): void {
  for (const bind of sources.binds.values()) {
    const { idMap, link } = bind
    if (link !== undefined) continue
    if (!sources.fromOutside && idMap === undefined) continue
    copySource(builder, bind)
    if (sources.fromOutside) cutOff(builder, bind.tree, bind.mount.destination, propagates(bind) ? MS_SLAVE : MS_PRIVATE)
    if (idMap === undefined) continue
    const namespace = openMappedNamespace(builder, idMap, users, bind.mount.destination)
    setAttributes(builder, `map the ids of ${bind.mount.destination}`, { descriptor: bind.tree }, { set: MOUNT_ATTR_IDMAP, idMap: namespace, recursive: idMap.recursive })
    builder.call('close the user namespace', 'close', [namespace])
  }
  if (!sources.fromOutside) return
  copyDevices(builder, sources)
  copyRoot(builder, sources.root, sources.rootfs)
  cutOff(builder, sources.root, '/', MS_PRIVATE)
}

/** In the child, around `isolate`: what is to get the host's mount events must be copied before the child is cut off from them. */
export function copyFromInside(builder: ProgramBuilder, sources: HostSources, isolate: () => void, afterRoot: () => void): void {
  const own = sources.fromOutside ? [] : [...sources.binds.values()].filter(({ idMap }) => idMap === undefined)
  for (const bind of own) if (propagates(bind)) copySource(builder, bind)
  isolate()
  if (!sources.fromOutside) copyRoot(builder, sources.root, sources.rootfs)
  afterRoot()
  for (const bind of own) if (!propagates(bind)) copySource(builder, bind)
  if (!sources.fromOutside) copyDevices(builder, sources)
}

/** A copy from outside is still in the host's group: mounts inside would show up there. */
function cutOff(builder: ProgramBuilder, tree: Cell, name: string, propagation: number): void {
  setAttributes(builder, `send no mount events from ${name} to the host`, { descriptor: tree }, { propagation, recursive: true })
}

function copyDevices(builder: ProgramBuilder, { devices }: HostSources): void {
  for (const [path, tree] of devices) {
    builder.call(`copy device ${path}`, 'open_tree', [AT_FDCWD, builder.string(path), OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC], { save: tree })
  }
}
