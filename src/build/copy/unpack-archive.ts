import { readSync } from 'node:fs'
import { compressionOf, decompressed, longestMagic } from '../../containerd/images/decompress.ts'
import { LayerExtractor } from '../../containerd/snapshots/tree/layer-extractor.ts'
import type { WhiteoutStyle } from '../../containerd/snapshots/tree/whiteout-style.ts'
import type { Kernel } from '../../kernel/kernel.ts'
import { blockSize } from '../../lib/tar/entry.ts'
import { decodeHeader, isZero } from '../../lib/tar/header.ts'
import { TarReader } from '../../lib/tar/reader.ts'
import type { TarEntry } from '../../lib/tar/entry.ts'
import type { TarHandler } from '../../lib/tar/reader.ts'
import { nodeCalls } from '../../containerd/snapshots/tree/node-calls.ts'
import type { Owner } from './owner.ts'
import type { Pace } from '../../lib/pace.ts'

/**
 * Is a file a tar archive, plain or compressed with gzip, bzip2, xz or zstd? What is in it decides, not its name. Source: Dockerfile reference, ADD.
 */
export async function isArchive(descriptor: number): Promise<boolean> {
  const head = Buffer.alloc(blockSize)
  const length = readSync(descriptor, head, 0, blockSize, 0)
  if (compressionOf(head.subarray(0, Math.min(length, longestMagic))) === 'none') return length === blockSize && isHeader(head)
  try {
    return isHeader(await firstBlock(descriptor))
  } catch {
    return false // compressed garbage is a file as any other
  }
}

/** May a file that begins with these bytes be one? */
export function mayBeArchive(head: Buffer): boolean {
  return compressionOf(head.subarray(0, longestMagic)) !== 'none' || isHeader(head)
}

async function firstBlock(descriptor: number): Promise<Buffer> {
  const parts: Uint8Array[] = []
  let length = 0
  for await (const chunk of decompressed(bytesOf(descriptor))) {
    parts.push(chunk)
    length += chunk.length
    if (length >= blockSize) break
  }
  return Buffer.concat(parts).subarray(0, blockSize)
}

function isHeader(block: Buffer): boolean {
  if (block.length < blockSize || isZero(block)) return false
  try {
    decodeHeader(block)
    return true
  } catch {
    return false
  }
}

async function* bytesOf(descriptor: number): AsyncGenerator<Uint8Array, void, undefined> {
  for (let at = 0; ; ) {
    const piece = Buffer.allocUnsafe(256 << 10)
    const read = readSync(descriptor, piece, 0, piece.length, at)
    if (read === 0) return
    at += read
    yield piece.subarray(0, read)
  }
}

/** No archive but a layer has whiteouts. */
export const plainNames: WhiteoutStyle = { plain: true, removes: false, hide: () => {}, hideAll: () => {}, replaced: () => {} }

export interface UnpackArchive {
  /** Descriptor of the archive. */
  file: number
  directory: string
  /** Nanoseconds since the epoch that no time is after. */
  latest: bigint | undefined
  /** --chown; else owners are the archive's own. */
  owner: Owner | undefined
  pace: Pace
}

/**
 * Unpacks an archive over a directory: later members replace what is there, directories are merged.
 * No member and no link in its way leads out of the directory.
 * @throws InvalidParameter for a malformed archive
 */
export async function unpackArchive(kernel: Kernel, { file, directory, latest, owner, pace }: UnpackArchive): Promise<void> {
  const through = (handler: TarHandler): TarHandler => (latest === undefined && owner === undefined ? handler : changed(handler, { latest, owner }))
  await unpackStream(kernel, { stream: bytesOf(file), directory, pace, through })
}

export interface UnpackStream {
  /** Plain or compressed. */
  stream: AsyncIterable<Uint8Array>
  directory: string
  pace: Pace
  /** What changes members on their way. */
  through: (handler: TarHandler) => TarHandler
}

/** As `unpackArchive`, from a stream. */
export async function unpackStream(kernel: Kernel, { stream, directory, pace, through }: UnpackStream): Promise<void> {
  const extractor = new LayerExtractor({ calls: nodeCalls(kernel), style: plainNames, directory })
  try {
    const reader = new TarReader(through(extractor))
    for await (const chunk of decompressed(stream)) {
      reader.push(chunk)
      await pace.rest()
    }
    reader.finish()
    extractor.finish()
  } finally {
    extractor.close()
  }
}

function changed(handler: TarHandler, { latest, owner }: Pick<UnpackArchive, 'latest' | 'owner'>): TarHandler {
  const change = (entry: TarEntry): TarEntry => ({ ...entry, ...owner, ...(latest !== undefined && entry.mtime > latest ? { mtime: latest } : {}) })
  return {
    entry: (entry, fragments) => handler.entry(change(entry), fragments),
    data: (chunk, offset) => handler.data(chunk, offset),
    end: () => handler.end(),
  }
}
