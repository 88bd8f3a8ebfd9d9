import { posix } from 'node:path'
import { AT_SYMLINK_NOFOLLOW, O_CLOEXEC, O_NOFOLLOW, O_PATH, S_IFBLK, S_IFCHR, S_IFIFO } from '../kernel/constants/files.ts'
import type { Cell } from '../kernel/program.ts'
import type { ProgramBuilder } from '../kernel/program-builder.ts'
import { attachTree } from './mounts/bind.ts'
import { cleanPath, openTarget } from './mounts/target.ts'
import type { OciDevice, OciSpec } from './spec.ts'

const EEXIST = 17

/** What every container has (OCI config-linux.md, "Default Devices"). */
const defaultDevices: readonly OciDevice[] = [
  { path: '/dev/null', type: 'c', major: 1, minor: 3 },
  { path: '/dev/zero', type: 'c', major: 1, minor: 5 },
  { path: '/dev/full', type: 'c', major: 1, minor: 7 },
  { path: '/dev/random', type: 'c', major: 1, minor: 8 },
  { path: '/dev/urandom', type: 'c', major: 1, minor: 9 },
  { path: '/dev/tty', type: 'c', major: 5, minor: 0 },
]

const links: readonly [name: string, target: string][] = [
  ['fd', '/proc/self/fd'],
  ['stdin', '/proc/self/fd/0'],
  ['stdout', '/proc/self/fd/1'],
  ['stderr', '/proc/self/fd/2'],
  ['core', '/proc/kcore'],
]

/** Whether /dev is the container's own; with the host's (`-v /dev:/dev`) nothing may be made in it. */
export function hasOwnDev(spec: OciSpec): boolean {
  return !(spec.mounts ?? []).some(({ destination, type }) => cleanPath(destination) === '/dev' && type !== 'tmpfs')
}

/** Device nodes and links in /dev. Saves a descriptor of the null device that was just made, for masked paths. */
export function makeDevices(builder: ProgramBuilder, spec: OciSpec, root: Cell, nullDevice: Cell, trees: ReadonlyMap<string, Cell> = new Map()): void {
  const dev = builder.cell('/dev')
  openTarget(builder, { root, path: '/dev', kind: 'directory', save: dev })
  for (const device of wantedDevices(spec)) {
    const tree = trees.get(device.path)
    if (tree !== undefined) {
      bindDevice(builder, root, device.path, tree)
      continue
    }
    const directory = posix.dirname(device.path)
    const parent = directory === '/dev' ? dev : builder.cell(directory)
    if (parent !== dev) openTarget(builder, { root, path: directory, kind: 'directory', save: parent })
    makeNode(builder, device, parent)
  }
  const ownNull = !(spec.mounts ?? []).some(({ destination }) => cleanPath(destination) === '/dev/null') && hasTmpfsDev(spec)
  if (ownNull) builder.call('open the null device', 'openat', [dev, builder.string('null'), O_PATH | O_NOFOLLOW | O_CLOEXEC, 0], { save: nullDevice })
  for (const [name, target] of links) {
    builder.call(`link /dev/${name} to ${target}`, 'symlinkat', [builder.string(target), dev, builder.string(name)], { ignore: [EEXIST] })
  }
  if ((spec.mounts ?? []).some(({ type }) => type === 'devpts')) linkPtmx(builder, dev)
}

/** The default ones and those of the specification, which go first. */
export function wantedDevices(spec: OciSpec): OciDevice[] {
  const given = (spec.linux?.devices ?? []).map((device) => ({ ...device, path: cleanPath(device.path) }))
  const replaced = new Set(given.map(({ path }) => path))
  return hasOwnDev(spec) ? [...defaultDevices.filter(({ path }) => !replaced.has(path)), ...given] : []
}

/** Whether only the host can have made it: a fifo anybody can. */
export function isBoundDevice({ type }: OciDevice): boolean {
  return type !== 'p'
}

/** In a user namespace, where no device can be made: the one of the host with that path. */
function bindDevice(builder: ProgramBuilder, root: Cell, path: string, tree: Cell): void {
  const target = builder.cell(`target ${path}`)
  openTarget(builder, { root, path, kind: 'file', save: target })
  attachTree(builder, `bind device ${path}`, tree, target)
}

/** Whether /dev is new, so that what was made in it is what is there. */
export function hasTmpfsDev(spec: OciSpec): boolean {
  return (spec.mounts ?? []).some(({ destination, type }) => cleanPath(destination) === '/dev' && type === 'tmpfs')
}

function linkPtmx(builder: ProgramBuilder, dev: Cell): void {
  builder.call('link /dev/ptmx to pts/ptmx', 'symlinkat', [builder.string('pts/ptmx'), dev, builder.string('ptmx')], { ignore: [EEXIST] })
}

function makeNode(builder: ProgramBuilder, device: OciDevice, parent: Cell): void {
  const { path, type, major, minor, fileMode = 0o666, uid = 0, gid = 0 } = device
  const format = type === 'b' ? S_IFBLK : type === 'p' ? S_IFIFO : S_IFCHR
  const name = builder.string(posix.basename(path))
  const number = type === 'p' ? 0 : deviceNumber(major, minor)
  builder.call(`make device ${path}`, 'mknodat', [parent, name, format | (fileMode & 0o7777), number], { ignore: [EEXIST] })
  if (uid !== 0 || gid !== 0) builder.call(`give device ${path} to ${uid}:${gid}`, 'fchownat', [parent, name, uid, gid, AT_SYMLINK_NOFOLLOW])
}

/** new_encode_dev of linux/kdev_t.h, which mknod(2) takes. */
export function deviceNumber(major: number, minor: number): number {
  return ((minor & 0xff) | (major << 8) | ((minor & ~0xff) << 12)) >>> 0
}
