import type { FileContentStore } from '../content/file-content-store.ts'
import type { Ingest } from '../content/ingest.ts'
import { GantryError } from '../../lib/errors.ts'
import { spent } from '../../lib/spent-bytes.ts'
import type { TarEntry } from '../../lib/tar/entry.ts'
import { readTar, type TarHandler } from '../../lib/tar/reader.ts'
import { decompressed } from './decompress.ts'

const memberLimit = 100_000
const documentLimit = 8 << 20

/** The files of an image archive, each an ingest under a random name: no name of the archive reaches the file system. */
export class UnpackedArchive implements TarHandler {
  readonly #content: FileContentStore
  readonly #files = new Map<string, Ingest>()
  readonly #links = new Map<string, string>()
  #file: Ingest | undefined

  constructor(content: FileContentStore) {
    this.#content = content
  }

  /** The file of that name, through links. */
  file(name: string): Ingest | undefined {
    let at = memberName(name)
    for (let hops = 0; hops < 8; hops++) {
      const file = this.#files.get(at)
      const target = this.#links.get(at)
      if (file !== undefined || target === undefined) return file
      at = target
    }
    return undefined
  }

  has(name: string): boolean {
    return this.file(name) !== undefined
  }

  /** @throws InvalidParameter when it is missing, too long for a document, or no JSON */
  document(name: string): unknown {
    return parseDocument(name, this.bytes(name))
  }

  bytes(name: string): Buffer {
    const file = this.required(name)
    if (file.size > documentLimit) throw badArchive(`${name} has ${file.size} bytes, more than ${documentLimit}`)
    return file.readAll()
  }

  required(name: string): Ingest {
    const file = this.file(name)
    if (file === undefined) throw badArchive(`it has no file ${JSON.stringify(name)}`)
    return file
  }

  /** Drops what was not committed. */
  close(): void {
    for (const file of this.#files.values()) file.abort()
  }

  entry(entry: TarEntry): void {
    const name = memberName(entry.name)
    if (entry.type === 'directory') return
    if (this.#files.has(name) || this.#links.has(name)) throw badArchive(`${JSON.stringify(name)} is in it twice`)
    if (entry.type === 'symlink' || entry.type === 'link') {
      this.#links.set(name, entry.type === 'link' ? memberName(entry.linkName) : relativeTo(name, entry.linkName))
    } else if (entry.type === 'file' && !entry.sparse) {
      this.#file = this.#content.ingest()
      this.#files.set(name, this.#file)
    } else {
      throw badArchive(`${JSON.stringify(name)} is a ${entry.sparse ? 'sparse file' : `${entry.type} node`}`)
    }
  }

  data(chunk: Buffer): void {
    this.#file?.write(chunk)
    spent(chunk.length)
  }

  end(): void {
    this.#file?.seal()
    this.#file = undefined
  }
}

/** Reads an image archive, plain or compressed, to its end. */
export async function unpackArchive(source: AsyncIterable<Uint8Array>, content: FileContentStore): Promise<UnpackedArchive> {
  const archive = new UnpackedArchive(content)
  try {
    await readTar(decompressed(source), archive, { members: memberLimit })
    return archive
  } catch (error) {
    archive.close()
    throw error
  }
}

export function parseDocument(name: string, bytes: Buffer): unknown {
  try {
    return JSON.parse(bytes.toString('utf8')) as unknown
  } catch (error) {
    throw badArchive(`${name} is no JSON: ${(error as Error).message.slice(0, 200)}`, error)
  }
}

export function badArchive(reason: string, cause?: unknown): GantryError {
  return new GantryError('InvalidParameter', `cannot load archive: ${reason}`, { cause })
}

function memberName(name: string): string {
  const parts = name.split('/').filter((part) => part !== '' && part !== '.')
  if (parts.includes('..')) throw badArchive(`${JSON.stringify(name.slice(0, 200))} is outside of it`)
  return parts.join('/')
}

function relativeTo(name: string, target: string): string {
  if (target.startsWith('/')) throw badArchive(`${JSON.stringify(name)} links to ${JSON.stringify(target.slice(0, 200))} outside of it`)
  const parts = name.split('/').slice(0, -1)
  for (const part of target.split('/')) {
    if (part === '' || part === '.') continue
    if (part !== '..') parts.push(part)
    else if (parts.pop() === undefined) throw badArchive(`${JSON.stringify(name)} links to ${JSON.stringify(target.slice(0, 200))} outside of it`)
  }
  return parts.join('/')
}
