import { mkdirSync, readFileSync, readdirSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Script } from 'node:vm'

export interface Bundle {
  /** Of a CommonJS file in ASCII that has no dynamic import. */
  path: string
  /** Modules of Node that take milliseconds to load and that most calls never use: they are loaded when something of them
   * is. Not those that the bundle imports dynamically, which need their names at once. */
  lateModules: readonly string[]
  /** For a program that is more often killed than ended: when what was compiled until then is kept, in milliseconds after the start. */
  keepAfter?: number
}

/**
 * Starts a bundle with the code that V8 compiled for it before: Node's own compile cache leaves out functions that are compiled when
 * they are first called, which is nearly all of them. It is kept in $GANTRY_CACHE, a directory that only this user can write, one file
 * a bundle.
 */
export function startBundle({ path, lateModules, keepAfter }: Bundle): void {
  const cache = cacheFile(path)
  const cachedData = cache === undefined ? undefined : readIfThere(join(cache.directory, cache.name))
  // The bundle is ASCII: read as such it takes half the memory, and no decoding.
  const script = new Script(`(function (require, __filename) {${readFileSync(path, 'latin1')}\n})`, { filename: path, ...(cachedData === undefined ? {} : { cachedData }) })
  if (cache !== undefined && (cachedData === undefined || script.cachedDataRejected === true)) {
    const keepCode = (): void => {
      process.off('exit', keepCode)
      keep(cache, script)
    }
    process.on('exit', keepCode)
    if (keepAfter !== undefined) setTimeout(keepCode, keepAfter).unref()
  }
  ;(script.runInThisContext() as (load: (name: string) => object, filename: string) => void)((name) => load(name, lateModules), path)
}

function load(name: string, lateModules: readonly string[]): object {
  const now = (): object => process.getBuiltinModule(name) ?? {}
  return lateModules.includes(name) ? new Proxy({}, { get: (_, key) => Reflect.get(now(), key) as unknown }) : now()
}

interface CacheFile {
  directory: string
  /** What files of the same bundle start with. */
  prefix: string
  name: string
}

/** V8 tells a stale file by the length of its source only, so the name tells the bundle's time. */
function cacheFile(bundle: string): CacheFile | undefined {
  const directory = process.env['GANTRY_CACHE']
  if (directory === undefined || directory === '' || !isOwn(directory)) return undefined
  const { mtimeMs, size } = statSync(bundle)
  const prefix = `${encodeURIComponent(bundle).slice(-150)}-`
  return { directory, prefix, name: `${prefix}${process.version}-${mtimeMs}-${size}` }
}

/** Whoever can write there decides what this process runs. */
function isOwn(directory: string): boolean {
  try {
    const { uid, mode } = statSync(directory)
    return uid === process.getuid?.() && (mode & 0o022) === 0
  } catch {
    return true // not made yet
  }
}

function readIfThere(file: string): Buffer | undefined {
  try {
    return readFileSync(file)
  } catch {
    return undefined
  }
}

/** Whole or not at all, and in place of those of older bundles. Without it the next start is slower, nothing else. */
function keep({ directory, prefix, name }: CacheFile, script: Script): void {
  try {
    mkdirSync(directory, { recursive: true, mode: 0o700 })
    for (const old of readdirSync(directory)) if (old.startsWith(prefix)) rmSync(join(directory, old), { force: true })
    const unfinished = join(directory, `.${process.pid}`)
    writeFileSync(unfinished, script.createCachedData(), { mode: 0o600 })
    renameSync(unfinished, join(directory, name))
  } catch {
    // a full or read-only file system
  }
}
