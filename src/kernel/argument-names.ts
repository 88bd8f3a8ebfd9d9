import * as files from './constants/files.ts'
import * as mounts from './constants/mounts.ts'
import * as processes from './constants/processes.ts'
import * as sockets from './constants/sockets.ts'

/** How to show a number in a place of a system call; undefined where decimal says it best. */
type Show = (value: bigint) => string

const openFlags = flagsOf(files, 'O_')
const resolveFlags = flagsOf(files, 'RESOLVE_')
const pathFlags = flagsOf(files, 'AT_')
const mountFlags = flagsOf(mounts, 'MS_')
const cloneFlags = flagsOf(processes, 'CLONE_')
const prctlOptions = namesOf(processes, 'PR_')
const socketType = flagsOf(sockets, 'SOCK_')
const octal: Show = (value) => `0${value.toString(8)}`
const directory: Show = (value) => (value === BigInt(files.AT_FDCWD) ? 'AT_FDCWD' : String(value))

/** By system call, one entry a place. */
const shown: Record<string, readonly (Show | undefined)[]> = {
  openat: [directory, undefined, openFlags, octal],
  openat2: [directory],
  mkdirat: [directory, undefined, octal],
  mknodat: [directory, undefined, octal],
  unlinkat: [directory, undefined, pathFlags],
  symlinkat: [undefined, directory],
  fchmodat: [directory, undefined, octal],
  pipe2: [undefined, openFlags],
  dup3: [undefined, undefined, openFlags],
  socket: [undefined, socketType],
  socketpair: [undefined, socketType],
  prctl: [prctlOptions],
  unshare: [cloneFlags],
  setns: [undefined, cloneFlags],
  mount: [undefined, undefined, undefined, mountFlags],
  umount2: [undefined, flagsOf(mounts, 'MNT_', 'UMOUNT_')],
  open_tree: [directory, undefined, flagsOf({ ...mounts, ...files }, 'OPEN_TREE_', 'AT_')],
  move_mount: [directory, undefined, directory, undefined, flagsOf(mounts, 'MOVE_MOUNT_')],
  mount_setattr: [directory, undefined, pathFlags],
  fsopen: [undefined, flagsOf(mounts, 'FSOPEN_')],
  fsconfig: [undefined, namesOf(mounts, 'FSCONFIG_')],
  fsmount: [undefined, flagsOf(mounts, 'FSMOUNT_'), flagsOf(mounts, 'MOUNT_ATTR_')],
  close_range: [undefined, (value) => (value >= 0x7fff_ffffn ? '~0' : String(value)), flagsOf(files, 'CLOSE_RANGE_')],
  fcntl: [undefined, namesOf(files, 'F_SET', 'F_ADD')],
  ioctl: [undefined, namesOf(sockets, 'TIOC')],
  seccomp: [namesOf(processes, 'SECCOMP_SET_'), flagsOf(processes, 'SECCOMP_FILTER_FLAG_')],
  umask: [octal],
}

/** The text of an immediate argument. */
export function showImmediate(call: string, place: number, value: bigint): string {
  return shown[call]?.[place]?.(value) ?? plain(value)
}

/** Structures that a pointer leads to: open_how and the flags of clone_args. */
export function showStructure(call: string, place: number, bytes: Buffer): string | undefined {
  if (call === 'openat2' && place === 2) return `{${openFlags(bytes.readBigUInt64LE(0))}, ${resolveFlags(bytes.readBigUInt64LE(16))}}`
  if (call === 'clone3' && place === 0) return `{${cloneFlags(bytes.readBigUInt64LE(0))}}`
  return undefined
}

function plain(value: bigint): string {
  return value > -4096n && value < 4096n ? String(value) : `0x${BigInt.asUintN(64, value).toString(16)}`
}

/** "A|B" of single-bit constants, with what has no name in hexadecimal. */
function flagsOf(constants: Record<string, number | bigint>, ...prefixes: string[]): Show {
  const known = select(constants, prefixes).filter(([, bit]) => bit > 0n && (bit & (bit - 1n)) === 0n)
  return (value) => {
    if (value <= 0n) return plain(value)
    const names = known.filter(([, bit]) => (value & bit) !== 0n)
    const rest = value & ~names.reduce((all, [, bit]) => all | bit, 0n)
    return [...names.map(([name]) => name), ...(rest === 0n ? [] : [plain(rest)])].join('|')
  }
}

function namesOf(constants: Record<string, number | bigint>, ...prefixes: string[]): Show {
  const names = new Map(select(constants, prefixes).map(([name, value]) => [value, name]))
  return (value) => names.get(value) ?? plain(value)
}

function select(constants: Record<string, number | bigint>, prefixes: string[]): [string, bigint][] {
  return Object.entries(constants)
    .filter(([name]) => prefixes.some((prefix) => name.startsWith(prefix)))
    .map(([name, value]) => [name, BigInt(value)])
}
