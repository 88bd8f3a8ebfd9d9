import { closeSync, createWriteStream, openSync, readdirSync, renameSync, rmSync, statSync, unlinkSync, utimesSync } from 'node:fs'
import { open, type FileHandle } from 'node:fs/promises'
import { basename, dirname } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { createGzip } from 'node:zlib'
import { lockFile } from '../../kernel/file-lock.ts'
import type { Kernel } from '../../kernel/kernel.ts'
import { identityMember } from './compressed-file.ts'

/** Milliseconds: an inode that is given back in the tick of the clock in which it was made could be taken for its successor. */
const settled = 50

/**
 * Compresses the files of a log that are no longer written to; with `sentOnly` those that have been sent. The monitor may
 * move them on meanwhile: the result takes the place of the file that it was made from, wherever that is by then, under the
 * lock that the monitor takes too.
 */
export async function compressLog(kernel: Pick<Kernel, 'syscall'>, path: string, { sentOnly }: { sentOnly: boolean }): Promise<void> {
  for (const name of plainFiles(path)) {
    const file = await open(name, 'r').catch(() => undefined)
    if (file === undefined) continue
    try {
      // Of the open file: by now another may have its name.
      const { ino, birthtimeNs, mode, mtime } = await file.stat({ bigint: true })
      const isSettled = Date.now() - Number(birthtimeNs / 1_000_000n) > settled
      if (isSettled && (!sentOnly || (mode & 0o200n) === 0n)) await compressFile(kernel, path, { file, id: `${ino}-${birthtimeNs}`, modified: mtime })
    } finally {
      await file.close()
    }
  }
}

async function compressFile(kernel: Pick<Kernel, 'syscall'>, path: string, { file, id, modified }: { file: FileHandle; id: string; modified: Date }): Promise<void> {
  const target = `${path}.compressing`
  try {
    await pipeline(file.createReadStream({ start: 0, autoClose: false }), createGzip({ level: 1 }), prefixed(target, identityMember(id)))
    if (!replace(kernel, path, { id, target, modified })) rmSync(target, { force: true })
  } catch (error) {
    rmSync(target, { force: true })
    throw error
  }
}

/** Names with a number behind them, the oldest first. */
function plainFiles(path: string): string[] {
  const prefix = `${basename(path)}.`
  const numbers = existing(dirname(path)).flatMap((name) => (name.startsWith(prefix) && /^\d+$/.test(name.slice(prefix.length)) ? [Number(name.slice(prefix.length))] : []))
  return numbers.toSorted((a, b) => b - a).map((number) => `${path}.${number}`)
}

function existing(directory: string): string[] {
  try {
    return readdirSync(directory)
  } catch {
    return []
  }
}

function identityOf(name: string): string | undefined {
  try {
    const { ino, birthtimeNs } = statSync(name, { bigint: true })
    return `${ino}-${birthtimeNs}`
  } catch {
    return undefined
  }
}

function prefixed(target: string, member: Buffer): ReturnType<typeof createWriteStream> {
  const stream = createWriteStream(target, { mode: 0o640 })
  stream.write(member)
  return stream
}

/** Everything here is done in one go: nobody waits long for the lock. */
function replace(kernel: Pick<Kernel, 'syscall'>, path: string, { id, target, modified }: { id: string; target: string; modified: Date }): boolean {
  const directory = openSync(dirname(path), 'r')
  try {
    if (!lockFile(kernel, directory)) return false
    const name = plainFiles(path).find((candidate) => identityOf(candidate) === id)
    if (name === undefined) return false
    utimesSync(target, modified, modified)
    renameSync(target, `${name}.gz`)
    unlinkSync(name)
    return true
  } finally {
    closeSync(directory)
  }
}
