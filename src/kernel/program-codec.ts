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
  // All but the blob are words of 4 bytes, and one typed array is many times faster than the methods of a buffer.
  const words = new Int32Array(out.buffer, out.byteOffset, blobStart / 4)
  let at = headerSize / 4
  for (const operation of operations) {
    encodeOperation(words, at, operation)
    at += operationSize / 4
  }
  for (const { at: place, target } of relocations) {
    words[at++] = place
    words[at++] = target
  }
  blob.copy(out, blobStart)
  labels.copy(out, blobStart + blob.length)
  return out
}

/** struct operation of native/init.c, in words. */
function encodeOperation(words: Int32Array, at: number, { nr, save, target, flow, ignore, min, args }: Operation): void {
  words[at] = nr
  words[at + 1] = save
  words[at + 2] = target?.index ?? -1
  words[at + 3] = flows.indexOf(flow)
  words[at + 4] = (ignore[0] ?? 0) | ((ignore[1] ?? 0) << 16)
  words[at + 5] = (ignore[2] ?? 0) | ((ignore[3] ?? 0) << 16)
  words[at + 6] = min
  let low = 0
  let high = 0
  for (let i = 0; i < args.length; i++) {
    const argument = args[i] ?? 0
    const place = at + 10 + i * 2
    if (typeof argument === 'number') {
      words[place] = argument % 0x1_0000_0000
      words[place + 1] = Math.floor(argument / 0x1_0000_0000)
    } else if (typeof argument === 'bigint') {
      words[place] = Number(BigInt.asIntN(32, argument))
      words[place + 1] = Number(BigInt.asIntN(32, argument >> 32n))
    } else {
      if (i < 4) low |= kinds[argument.kind] << (8 * i)
      else high |= kinds[argument.kind] << (8 * (i - 4))
      words[place] = argument.offset
    }
  }
  words[at + 8] = low
  words[at + 9] = high
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
