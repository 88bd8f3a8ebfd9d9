import { closeSync, constants, fstatSync, openSync, readSync, readlinkSync } from 'node:fs'
import type { BigIntStats } from 'node:fs'
import path from 'node:path'
import { GantryError } from '../errors.ts'
import type { TarEntry } from '../tar/entry.ts'
import { tarEntry } from '../tar/entry.ts'
import { decodeName, fsPath } from '../tar/member-name.ts'
import { nodeDevice, nodeType } from '../tar/node-fields.ts'
import type { TarMember } from '../tar/writer.ts'
import { writeTar } from '../tar/writer.ts'
import { listDirectory } from './list-directory.ts'

const pieceSize = 256 << 10

/**
 * A directory as the tar archive of a build context: without what the rules leave out, and owned by root, for the users of a
 * host mean nothing to an image. `keep`: names that go along although they are ignored, for the builder reads them (the Dockerfile).
 */
export function packDirectory(directory: string, { rules, keep = [] }: { rules: readonly string[]; keep?: readonly string[] }): AsyncGenerator<Buffer, void, undefined> {
  return writeTar(members(directory, [...rules, ...keep.map((name) => `!${escaped(name)}`)]))
}

function* members(directory: string, rules: readonly string[]): Generator<TarMember, void, undefined> {
  const linked = new Map<string, string>()
  for (const { name, stats } of listDirectory(directory, rules)) {
    const type = nodeType(stats)
    if (type === undefined) continue
    const fields: Partial<TarEntry> = { mode: Number(stats.mode & 0o7777n), mtime: stats.mtimeNs }
    const inode = `${stats.dev}:${stats.ino}`
    const first = stats.isFile() && stats.nlink > 1n ? linked.get(inode) : undefined
    const place = path.join(directory, name)
    if (first !== undefined) yield { entry: tarEntry({ ...fields, name, type: 'link', linkName: first }) }
    else if (stats.isFile()) {
      if (stats.nlink > 1n) linked.set(inode, name)
      yield { entry: tarEntry({ ...fields, name, size: Number(stats.size) }), content: content(place, stats) }
    } else if (stats.isSymbolicLink()) yield { entry: tarEntry({ ...fields, name, type, linkName: decodeName(readlinkSync(fsPath(place), { encoding: 'buffer' })) }) }
    else yield { entry: tarEntry({ ...fields, name: stats.isDirectory() ? `${name}/` : name, type, ...nodeDevice(stats) }) }
  }
}

/** @throws InvalidParameter for a file that may not be read, or that changes meanwhile */
function* content(place: string, { size, ino }: BigIntStats): Generator<Buffer, void, undefined> {
  const file = open(place)
  try {
    if (fstatSync(file, { bigint: true }).ino !== ino) throw changed(place)
    for (let left = Number(size); left > 0; ) {
      const piece = Buffer.allocUnsafe(Math.min(pieceSize, left))
      const read = readSync(file, piece)
      if (read === 0) throw changed(place)
      left -= read
      yield piece.subarray(0, read)
    }
  } finally {
    closeSync(file)
  }
}

function open(place: string): number {
  try {
    return openSync(fsPath(place), constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK)
  } catch (error) {
    const { code } = error as { code?: string }
    if (code === 'EACCES' || code === 'EPERM') throw new GantryError('InvalidParameter', `error checking context: no permission to read from '${place}'`, { cause: error })
    if (code === 'ENOENT' || code === 'ELOOP') throw changed(place)
    throw error
  }
}

function changed(place: string): GantryError {
  return new GantryError('InvalidParameter', `cannot pack build context: ${place} changed meanwhile`)
}

/** A name as the pattern of itself alone. */
function escaped(name: string): string {
  return name.replaceAll(/[*?[\\]/g, '\\$&')
}
