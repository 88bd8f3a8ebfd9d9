import { createReadStream, createWriteStream } from 'node:fs'
import type { WriteStream } from 'node:fs'
import { mkdir, rm } from 'node:fs/promises'
import { once } from 'node:events'
import { join } from 'node:path'
import type { Readable } from 'node:stream'
import { goMode, kindOfMode } from '../../lib/fsutil/file-mode.ts'
import { comparePaths } from '../../lib/fsutil/path-order.ts'
import type { SentFile } from '../../lib/fsutil/send.ts'
import type { TarEntry, TarType } from '../../lib/tar/entry.ts'
import { TarReader } from '../../lib/tar/reader.ts'

/**
 * The members of a tar as files to send. Their contents wait in `directory`, because the receiver is told of all files first, and in
 * another order. `use` gets them; afterwards nothing is left.
 */
export async function withTarFiles(tar: Readable, directory: string, use: (files: AsyncIterable<SentFile>) => Promise<void>): Promise<void> {
  await mkdir(directory, { recursive: true, mode: 0o700 })
  try {
    const spool = new Spool(directory)
    const reader = new TarReader(spool)
    for await (const chunk of tar as AsyncIterable<Buffer>) {
      reader.push(chunk)
      await spool.flushed()
    }
    reader.finish()
    await spool.flushed()
    await use(toAsync(spool.files.values()))
  } finally {
    await rm(directory, { recursive: true, force: true })
  }
}

class Spool {
  readonly #found = new Map<string, SentFile>()
  readonly #directory: string
  #stream: WriteStream | undefined
  #closing: Promise<unknown>[] = []

  constructor(directory: string) {
    this.#directory = directory
  }

  /** In the order to send. Of several names of one file the first has the content, whichever had it in the archive. */
  get files(): Map<string, SentFile> {
    const sorted = new Map([...this.#found].toSorted(([one], [other]) => comparePaths(one, other)))
    const firstOf = new Map<string, string>()
    for (const [path, file] of sorted) {
      if (file.content === undefined && !(file.stat.linkName !== '' && kindOfMode(file.stat.mode) === 'file')) continue
      const base = file.content === undefined ? file.stat.linkName! : path
      const content = this.#found.get(base)
      if (content?.content === undefined) continue
      const first = firstOf.get(base)
      if (first === undefined) firstOf.set(base, path)
      sorted.set(path, first === undefined ? { ...content, stat: { ...content.stat, path } } : { stat: { ...content.stat, path, linkName: first, size: 0 } })
    }
    return sorted
  }

  entry(entry: TarEntry): void {
    const path = entry.name.replace(/^(\.?\/)+/, '').replace(/\/+$/, '')
    if (path === '' || path === '.') return
    const place = join(this.#directory, String(this.#found.size))
    const file = entry.type === 'file'
    if (file) this.#stream = createWriteStream(place)
    this.#found.set(path, { stat: statOf(path, entry), ...(file && { content: () => createReadStream(place) }) })
  }

  data(chunk: Buffer): void {
    this.#stream?.write(Buffer.from(chunk))
  }

  end(): void {
    if (this.#stream === undefined) return
    this.#closing.push(once(this.#stream, 'close'))
    this.#stream.end()
    this.#stream = undefined
  }

  async flushed(): Promise<void> {
    await Promise.all(this.#closing)
    this.#closing = []
    if (this.#stream?.writableNeedDrain === true) await once(this.#stream, 'drain')
  }
}

const typeBits: Record<TarType, number> = {
  file: 0,
  link: 0,
  symlink: goMode.symlink,
  directory: goMode.directory,
  character: goMode.device | goMode.character,
  block: goMode.device,
  fifo: goMode.fifo,
}

function statOf(path: string, entry: TarEntry): SentFile['stat'] {
  const { mode, uid, gid, size, mtime, type, linkName } = entry
  const special = ((mode & 0o4000) === 0 ? 0 : goMode.setuid) | ((mode & 0o2000) === 0 ? 0 : goMode.setgid) | ((mode & 0o1000) === 0 ? 0 : goMode.sticky)
  return {
    path,
    mode: ((mode & 0o777) | special | typeBits[type]) >>> 0,
    uid,
    gid,
    size,
    modTime: mtime,
    linkName: type === 'link' ? linkName.replace(/^(\.?\/)+/, '') : linkName,
    deviceMajor: entry.deviceMajor,
    deviceMinor: entry.deviceMinor,
    xattrs: Object.fromEntries(entry.xattrs),
  }
}

async function* toAsync<T>(values: Iterable<T>): AsyncGenerator<T> {
  yield* values
}
