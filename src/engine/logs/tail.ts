import type { FileHandle } from 'node:fs/promises'

const blockSize = 64 * 1024
const newline = 0x0a

/**
 * Where the last `lines` lines of a file begin, found by reading backwards from `size`.
 * An unfinished last line (no newline yet) counts as a line.
 */
export async function tailOffset(file: FileHandle, size: number, lines: number): Promise<number> {
  if (lines <= 0) return size
  const block = Buffer.allocUnsafe(blockSize)
  let wanted = lines
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
      wanted -= 1
      if (wanted === 0) return start + at + 1
    }
    end = start
  }
  return 0
}
