import { randomBytes } from 'node:crypto'
import { readdirSync, unlinkSync } from 'node:fs'
import { open, type FileHandle } from 'node:fs/promises'
import { basename, dirname } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { createGunzip } from 'node:zlib'
import { readIdentity } from './compressed-file.ts'

/** One file of a log that may be in several. */
export interface Generation {
  /** Stays the same while the file is renamed and compressed. */
  readonly id: string
  /** Its first name is the log's own: the monitor may be writing to it. */
  readonly newest: boolean
  /** Milliseconds since the epoch. */
  readonly modified: number
  /** Reads what is in it, unpacked. */
  contents(): Promise<FileHandle>
  close(): Promise<void>
}

/** Numbers behind the last file at which others may be: the end moves on meanwhile, and a directory that changes may be listed without it. */
const spare = 4

/**
 * Opens all files of a log, the oldest first. They are looked for from the newest to the oldest, as they move: so none is
 * missed when the monitor begins a new one meanwhile. One that is met twice counts where it was met last: younger ones may
 * have passed the search since the first time.
 */
export async function openGenerations(path: string): Promise<Generation[]> {
  const found: Generation[] = []
  let last = lastIndex(path)
  for (let index = 0; index <= last + spare || index <= (last = lastIndex(path)) + spare; index += 1) {
    const name = index === 0 ? path : `${path}.${index}`
    const opened = (await openPlain(name, index === 0)) ?? (index === 0 ? undefined : await openCompressed(`${name}.gz`, path))
    if (opened === undefined) continue
    last = Math.max(last, index)
    const earlier = found.findIndex(({ id }) => id === opened.id)
    if (earlier >= 0) await found.splice(earlier, 1)[0]?.close()
    found.push(opened)
  }
  return found.toReversed()
}

/** Of the file that now has the log's name; undefined while there is none. */
export async function newestId(path: string): Promise<string | undefined> {
  const file = await openPlain(path, true)
  await file?.close()
  return file?.id
}

function lastIndex(path: string): number {
  const prefix = `${basename(path)}.`
  try {
    const indexes = readdirSync(dirname(path)).flatMap((name) => (name.startsWith(prefix) ? [Number.parseInt(name.slice(prefix.length), 10) || 0] : []))
    return Math.max(0, ...indexes)
  } catch {
    return 0
  }
}

async function openPlain(name: string, newest: boolean): Promise<Generation | undefined> {
  const file = await openExisting(name)
  if (file === undefined) return undefined
  const { ino, birthtimeNs, mtimeMs } = await file.stat({ bigint: true })
  return { id: `${ino}-${birthtimeNs}`, newest, modified: Number(mtimeMs), contents: () => Promise.resolve(file), close: () => file.close() }
}

async function openCompressed(name: string, path: string): Promise<Generation | undefined> {
  const file = await openExisting(name)
  if (file === undefined) return undefined
  const { ino, mtimeMs } = await file.stat()
  const id = (await readIdentity(file)) ?? `gz-${ino}`
  let unpacked: FileHandle | undefined
  return {
    id,
    newest: false,
    modified: mtimeMs,
    contents: async () => (unpacked ??= await unpack(file, path)),
    close: async () => {
      await unpacked?.close()
      await file.close()
    },
  }
}

/** Into a file without a name. */
async function unpack(file: FileHandle, path: string): Promise<FileHandle> {
  const name = `${path}-${randomBytes(6).toString('hex')}.tmp`
  const target = await open(name, 'wx+', 0o600)
  unlinkSync(name)
  let position = 0
  await pipeline(file.createReadStream({ start: 0, autoClose: false }), createGunzip(), async (source: AsyncIterable<Buffer>) => {
    for await (const chunk of source) {
      await target.write(chunk, 0, chunk.length, position)
      position += chunk.length
    }
  })
  return target
}

async function openExisting(name: string): Promise<FileHandle | undefined> {
  try {
    return await open(name, 'r')
  } catch (error) {
    if (['ENOENT', 'ENOTDIR'].includes((error as NodeJS.ErrnoException).code ?? '')) return undefined
    throw error
  }
}
