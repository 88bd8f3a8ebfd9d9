import type { FileHandle } from 'node:fs/promises'
import { open } from 'node:fs/promises'
import { RecordReader } from './record-reader.ts'

const wide = 4

/** Where the last whole frame of a local log ends: at `size`, but for a frame that is being written or that a power cut has torn. */
export async function framedSize(file: FileHandle, size: number): Promise<number> {
  if (size === 0 || (await endsWithFrame(file, size))) return size
  let end = 0
  for await (const { offset } of new RecordReader(file, { format: 'local', position: 0 }).available()) end = offset
  return Math.min(end, size)
}

/** Takes a torn frame away: what is appended behind it could not be read. */
export async function mendFrames(path: string): Promise<void> {
  let file: FileHandle
  try {
    file = await open(path, 'r+')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return
    throw error
  }
  try {
    const { size } = await file.stat()
    const whole = await framedSize(file, size)
    if (whole < size) await file.truncate(whole)
  } finally {
    await file.close()
  }
}

async function endsWithFrame(file: FileHandle, size: number): Promise<boolean> {
  const length = Buffer.alloc(wide)
  await file.read(length, 0, wide, size - wide)
  const end = length.readUInt32BE()
  const start = size - end - 2 * wide
  if (start < 0) return false
  await file.read(length, 0, wide, start)
  return length.readUInt32BE() === end
}
