import { flows } from './program.ts'
import type { Argument, Operation, Program } from './program.ts'

/** Binary layout, little-endian; native/init.c reads the same. Labels and names follow the blob and are not read there. */
const magic = 'GANTRYP1'
const headerSize = 32
const operationSize = 88
const kinds = { immediate: 0, pointer: 1, cell: 2 } as const

export function encodeProgram(program: Program): Buffer {
  const { operations, relocations, blob } = program
  const labels = Buffer.from(JSON.stringify({ labels: operations.map((operation) => operation.label), cells: [...program.cellNames] }))
  const blobStart = headerSize + operations.length * operationSize + relocations.length * 8
  const out = Buffer.alloc(blobStart + blob.length + labels.length)
  out.write(magic, 0, 'latin1')
  out.writeUInt32LE(operations.length, 8)
  out.writeUInt32LE(relocations.length, 12)
  out.writeUInt32LE(blob.length, 16)
  out.writeUInt32LE(labels.length, 20)
  for (const [i, operation] of operations.entries()) encodeOperation(out, headerSize + i * operationSize, operation)
  for (const [i, { at, target }] of relocations.entries()) {
    const place = headerSize + operations.length * operationSize + i * 8
    out.writeUInt32LE(at, place)
    out.writeUInt32LE(target, place + 4)
  }
  blob.copy(out, blobStart)
  labels.copy(out, blobStart + blob.length)
  return out
}

function encodeOperation(out: Buffer, at: number, operation: Operation): void {
  out.writeUInt32LE(operation.nr, at)
  out.writeInt32LE(operation.save, at + 4)
  out.writeInt32LE(operation.target?.index ?? -1, at + 8)
  out.writeUInt16LE(flows.indexOf(operation.flow), at + 12)
  for (const [i, errno] of operation.ignore.entries()) out.writeUInt16LE(errno, at + 16 + i * 2)
  out.writeInt32LE(operation.min, at + 24)
  for (const [i, argument] of operation.args.entries()) {
    const place = at + 40 + i * 8
    if (typeof argument === 'number') {
      // Two halves of a two's complement: a bigint for each would double the time that an encoding takes.
      out.writeUInt32LE(argument >>> 0, place)
      out.writeUInt32LE(Math.floor(argument / 0x1_0000_0000) >>> 0, place + 4)
    } else if (typeof argument === 'bigint') {
      out.writeBigUInt64LE(BigInt.asUintN(64, argument), place)
    } else if (argument !== null) {
      out[at + 32 + i] = kinds[argument.kind]
      out.writeUInt32LE(argument.offset, place)
    }
  }
}

/** @throws Error when the bytes are no program */
export function decodeProgram(bytes: Buffer): Program {
  if (bytes.length < headerSize || bytes.toString('latin1', 0, 8) !== magic) throw new Error('not a syscall program')
  const operationCount = bytes.readUInt32LE(8)
  const relocationCount = bytes.readUInt32LE(12)
  const blobStart = headerSize + operationCount * operationSize + relocationCount * 8
  const blobEnd = blobStart + bytes.readUInt32LE(16)
  const labelsEnd = blobEnd + bytes.readUInt32LE(20)
  if (labelsEnd > bytes.length) throw new Error('syscall program is cut short')
  const { labels, cells } = JSON.parse(bytes.toString('utf8', blobEnd, labelsEnd)) as { labels: string[]; cells: [number, string][] }
  const relocations = Array.from({ length: relocationCount }, (_, i) => {
    const place = headerSize + operationCount * operationSize + i * 8
    return { at: bytes.readUInt32LE(place), target: bytes.readUInt32LE(place + 4) }
  })
  return {
    operations: labels.map((label, i) => decodeOperation(bytes, headerSize + i * operationSize, label)),
    relocations,
    blob: bytes.subarray(blobStart, blobEnd),
    cellNames: new Map(cells),
  }
}

function decodeOperation(bytes: Buffer, at: number, label: string): Operation {
  const target = bytes.readInt32LE(at + 8)
  const ignore = [0, 1, 2, 3].map((i) => bytes.readUInt16LE(at + 16 + i * 2)).filter((errno) => errno !== 0)
  const args = [0, 1, 2, 3, 4, 5].map((i): Argument => {
    const value = bytes.readBigUInt64LE(at + 40 + i * 8)
    const kind = bytes[at + 32 + i]
    if (kind === kinds.immediate) return BigInt.asIntN(64, value)
    return { kind: kind === kinds.cell ? 'cell' : 'pointer', offset: Number(value) }
  })
  return {
    label, args, ignore,
    nr: bytes.readUInt32LE(at),
    save: bytes.readInt32LE(at + 4),
    min: bytes.readInt32LE(at + 24),
    flow: flows[bytes.readUInt16LE(at + 12)] ?? 'next',
    target: target < 0 ? undefined : { index: target },
  }
}
