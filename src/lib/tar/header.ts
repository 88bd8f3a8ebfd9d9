import type { TarType } from './entry.ts'
import { checksums, numberField, textField } from './fields.ts'
import { badTar } from './tar-failure.ts'

/** A header block, decoded and open to what extended headers override. */
export interface RawHeader {
  flag: string
  /** undefined for a type that no file system has. */
  type: TarType | undefined
  name: string
  mode: number
  uid: number
  gid: number
  /** Bytes stored in the archive. */
  size: number
  /** Size of an old GNU sparse file once unpacked. */
  realSize: number
  mtime: bigint
  linkName: string
  userName: string
  groupName: string
  deviceMajor: number
  deviceMinor: number
  xattrs: Map<string, Buffer>
}

const types: Record<string, TarType> = {
  '\0': 'file',
  '0': 'file',
  '1': 'link',
  '2': 'symlink',
  '3': 'character',
  '4': 'block',
  '5': 'directory',
  '6': 'fifo',
  '7': 'file',
  S: 'file',
}

const noXattrs = new Map<string, Buffer>()
const zeroBlock = Buffer.alloc(512)

export function isZero(block: Buffer): boolean {
  return block[0] === 0 && block.equals(zeroBlock)
}

/** @throws InvalidParameter for a bad checksum, number or size */
export function decodeHeader(block: Buffer): RawHeader {
  const stored = numberField(block, 148, 8, 'header checksum')
  const sums = checksums(block)
  if (stored !== sums.unsigned && stored !== sums.signed) throw badTar('a header has a bad checksum')
  const flag = String.fromCharCode(block[156]!)
  const magic = block.toString('latin1', 257, 265)
  const posix = magic.startsWith('ustar\0')
  const extended = posix || magic === 'ustar  \0'
  const prefix = posix ? textField(block, 345, 155) : ''
  const name = textField(block, 0, 100)
  const size = numberField(block, 124, 12, 'size')
  const realSize = flag === 'S' ? numberField(block, 483, 12, 'size') : size
  if (size < 0 || realSize < 0) throw badTar('a member has a negative size')
  const oldDirectory = flag === '\0' && name.endsWith('/')
  return {
    flag,
    type: oldDirectory ? 'directory' : types[flag],
    name: prefix === '' ? name : `${prefix}/${name}`,
    mode: numberField(block, 100, 8, 'mode'),
    uid: numberField(block, 108, 8, 'uid'),
    gid: numberField(block, 116, 8, 'gid'),
    size,
    realSize,
    mtime: BigInt(numberField(block, 136, 12, 'time')) * 1_000_000_000n,
    linkName: textField(block, 157, 100),
    userName: extended ? textField(block, 265, 32) : '',
    groupName: extended ? textField(block, 297, 32) : '',
    deviceMajor: extended ? numberField(block, 329, 8, 'device number') : 0,
    deviceMinor: extended ? numberField(block, 337, 8, 'device number') : 0,
    xattrs: noXattrs,
  }
}
