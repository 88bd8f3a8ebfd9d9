import { readSync } from 'node:fs'
import { WireReader } from '../../lib/protobuf/wire.ts'
import type { FoundPackage } from './package-databases.ts'

const magic = Buffer.from('\xff Go buildinf:', 'latin1')
/** Bytes: of the table of sections and their names, and of what the linker wrote down. */
const most = 16 << 20

/**
 * Modules of a program that Go has built: section `.go.buildinfo` of an ELF file of 64 bits, in the form since Go 1.18, where two strings with
 * lengths in front follow 32 bytes. Source: Go's debug/buildinfo, "ELF-64 Object File Format". What is no such program has none.
 * @param descriptor of a regular file
 */
export function readGoBinary(descriptor: number, from: string): FoundPackage[] {
  try {
    const info = sectionOf(descriptor, '.go.buildinfo')
    if (info === undefined || !info.subarray(0, magic.length).equals(magic) || (info[15]! & 2) === 0) return []
    // Lengths are written as in protocol buffers.
    const reader = new WireReader(info.subarray(32))
    const [version, framed] = [reader.bytes().toString(), reader.bytes().toString()]
    return [...(version === '' ? [] : [{ type: 'golang' as const, name: 'stdlib', version: version.replace(/^go/, '').split(' ', 1)[0]!, from }]), ...modulesOf(framed, from)]
  } catch {
    return []
  }
}

/** Lines "mod PATH VERSION SUM", "dep …" and "=> …", between 16 bytes each. */
export function modulesOf(framed: string, from: string): FoundPackage[] {
  const found: FoundPackage[] = []
  for (const line of framed.split('\n')) {
    const [kind = '', name, version] = line.replace(/^[^\t]*(?=mod\t|dep\t|=>\t)/, '').split('\t')
    if (!['mod', 'dep', '=>'].includes(kind) || name === undefined || version === undefined) continue
    // What a module was replaced with is what is in the program.
    if (kind === '=>') found.pop()
    found.push({ type: 'golang', name, version, from })
  }
  return found
}

function sectionOf(descriptor: number, wanted: string): Buffer | undefined {
  const head = bytesAt(descriptor, 0, 64)
  if (head.readUInt32BE(0) !== 0x7f454c46 || head[4] !== 2 || head[5] !== 1) return undefined
  const [start, size, count, namesAt] = [Number(head.readBigUInt64LE(40)), head.readUInt16LE(58), head.readUInt16LE(60), head.readUInt16LE(62)]
  if (size !== 64 || namesAt >= count) return undefined
  const table = bytesAt(descriptor, start, size * count)
  const part = (index: number): Buffer => bytesAt(descriptor, Number(table.readBigUInt64LE(index * 64 + 24)), Number(table.readBigUInt64LE(index * 64 + 32)))
  const names = part(namesAt)
  for (let index = 0; index < count; index++) {
    const name = table.readUInt32LE(index * 64)
    if (names.toString('latin1', name, names.indexOf(0, name)) === wanted) return part(index)
  }
  return undefined
}

function bytesAt(descriptor: number, position: number, length: number): Buffer {
  if (length > most) throw new RangeError('too large')
  const bytes = Buffer.alloc(length)
  if (readSync(descriptor, bytes, 0, length, position) !== length) throw new RangeError('it ends too early')
  return bytes
}
