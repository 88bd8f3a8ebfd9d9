import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { CompiledSeccomp } from '../kernel/seccomp/compile.ts'
import { keepFilters, type FilterKeeper } from './seccomp.ts'
import { time } from './version.ts'

/** Number of instructions, flags, length of the key, 4 bytes each; then the key and the filter. */
const headerSize = 12

/** Filters outlive this process below $GANTRY_CACHE. Not those of the sources, which change without a new build. */
export function useFilterStore(): void {
  const cache = process.env['GANTRY_CACHE']
  if (cache && time !== undefined) keepFilters(filterStore(join(cache, 'filters'), time))
}

/**
 * Keeps compiled filters in files, each with the profile and the build that it was compiled from. `directory` must be writable by
 * this user only, as what is in it decides what containers may do.
 */
export function filterStore(directory: string, build: string): FilterKeeper {
  return (profile, compile) => {
    const key = Buffer.from(`${build}\0${profile}`)
    const file = join(directory, nameOf(key))
    const kept = read(file, key)
    if (kept !== undefined) return kept
    const compiled = compile()
    write(directory, file, key, compiled)
    return compiled
  }
}

/** FNV-1a: a collision costs time only, as the whole key is compared. node:crypto would take longer to load than this takes. */
function nameOf(key: Buffer): string {
  let hash = 0x811c9dc5
  for (const byte of key) hash = Math.imul(hash ^ byte, 0x0100_0193)
  return (hash >>> 0).toString(16).padStart(8, '0')
}

function read(file: string, key: Buffer): CompiledSeccomp | undefined {
  try {
    const bytes = readFileSync(file)
    const instructions = bytes.readUInt32LE(0)
    const end = headerSize + bytes.readUInt32LE(8)
    const filter = bytes.subarray(end)
    if (!bytes.subarray(headerSize, end).equals(key) || filter.length !== instructions * 8) return undefined
    return { filter, instructions, flags: bytes.readUInt32LE(4) }
  } catch {
    return undefined
  }
}

/** Without it the next container takes longer to start, nothing else. */
function write(directory: string, file: string, key: Buffer, { filter, instructions, flags }: CompiledSeccomp): void {
  const header = Buffer.alloc(headerSize)
  header.writeUInt32LE(instructions, 0)
  header.writeUInt32LE(flags, 4)
  header.writeUInt32LE(key.length, 8)
  try {
    mkdirSync(directory, { recursive: true, mode: 0o700 })
    writeFileSync(`${file}.${process.pid}`, Buffer.concat([header, key, filter]), { mode: 0o600 })
    renameSync(`${file}.${process.pid}`, file)
  } catch {
    // a full or read-only file system
  }
}
