import type { FileHandle } from 'node:fs/promises'

const blockSize = 64 * 1024
const newline = 0x0a
const wide = 4

/** Where the last lines of a file begin, and how many there are of those that were wanted. */
export interface Tail {
  offset: number
  found: number
}

/**
 * Finds the last `lines` lines by reading backwards from `size`. An unfinished last line (no newline yet) counts as a line.
 */
export async function jsonTail(file: FileHandle, size: number, lines: number): Promise<Tail> {
  if (lines <= 0) return { offset: size, found: 0 }
  const block = Buffer.allocUnsafe(blockSize)
  let found = 0
  let end = size
  while (end > 0) {
    const start = Math.max(0, end - blockSize)
    const { bytesRead } = await file.read(block, 0, end - start, start)
    let at = bytesRead
    // The newline that ends the file closes the last line; it does not begin another one.
    if (end === size && block[at - 1] === newline) at -= 1
    while (at > 0) {
      at = block.lastIndexOf(newline, at - 1)
      if (at < 0) break
      found += 1
      if (found === lines) return { offset: start + at + 1, found }
    }
    end = start
  }
  return { offset: 0, found: size > 0 ? found + 1 : 0 }
}

/** The same for a local log, whose frames have their length at the end too. `size` is where a frame ends. */
export async function localTail(file: FileHandle, size: number, lines: number): Promise<Tail> {
  const length = Buffer.allocUnsafe(wide)
  let offset = size
  let found = 0
  while (found < lines && offset >= 2 * wide) {
    await file.read(length, 0, wide, offset - wide)
    const start = offset - length.readUInt32BE() - 2 * wide
    if (start < 0) break
    offset = start
    found += 1
  }
  return { offset, found }
}
