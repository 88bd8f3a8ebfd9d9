import { constants, ftruncateSync, openSync, closeSync, readSync, writeSync } from 'node:fs'
import type { Kernel } from '../../kernel/kernel.ts'
import { nr } from '../../kernel/syscalls.ts'
import { fsPath } from '../../lib/tar/member-name.ts'
import type { Pace } from '../../lib/pace.ts'

const pieceSize = 8 << 20
const [SEEK_DATA, SEEK_HOLE, ENXIO] = [3, 4, 6]
/** Holes are not worth a look in what is smaller. */
const buffer = Buffer.allocUnsafeSlow(32 << 10)
const source = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK

/** Copies the bytes of a file into an open one, holes as holes; by reflink where the file system has that. */
export async function copyContent(kernel: Pick<Kernel, 'syscall'>, { from, to, size, pace }: { from: string; to: number; size: number; pace: Pace }): Promise<void> {
  if (size === 0) return
  const file = openSync(fsPath(from), source)
  try {
    if (size <= buffer.length && copySmall(file, { to, size })) return
    for (let at = 0; at < size; ) {
      const start = kernel.syscall(nr('lseek'), file, at, SEEK_DATA)
      if (start === -ENXIO || start >= size) break
      const begin = start < 0 ? at : start
      const hole = start < 0 ? size : kernel.syscall(nr('lseek'), file, begin, SEEK_HOLE)
      const end = hole < 0 ? size : Math.min(hole, size)
      await copyRange(kernel, { file, to, begin, end, pace })
      at = end
    }
    ftruncateSync(to, size)
  } finally {
    closeSync(file)
  }
}

/** In two calls instead of five. */
function copySmall(file: number, { to, size }: { to: number; size: number }): boolean {
  const read = readSync(file, buffer, 0, buffer.length, 0)
  return read === size && writeSync(to, buffer, 0, size, 0) === size
}

async function copyRange(kernel: Pick<Kernel, 'syscall'>, { file, to, begin, end, pace }: { file: number; to: number; begin: number; end: number; pace: Pace }): Promise<void> {
  const offsets = Buffer.alloc(16)
  for (let at = begin; at < end; ) {
    const length = Math.min(pieceSize, end - at)
    offsets.writeBigInt64LE(BigInt(at), 0)
    offsets.writeBigInt64LE(BigInt(at), 8)
    const copied = kernel.syscall(nr('copy_file_range'), file, offsets.subarray(0, 8), to, offsets.subarray(8), length, 0)
    const done = copied > 0 ? copied : byHand({ file, to, at, length })
    if (done === 0) return
    at += done
    await pace.rest()
  }
}

/** Across file systems, and those that do not know it. */
function byHand({ file, to, at, length }: { file: number; to: number; at: number; length: number }): number {
  const piece = Buffer.allocUnsafe(Math.min(length, 256 << 10))
  const read = readSync(file, piece, 0, piece.length, at)
  for (let done = 0; done < read; ) done += writeSync(to, piece, done, read - done, at + done)
  return read
}
