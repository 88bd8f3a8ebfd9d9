import { mkdirSync, readFileSync, readdirSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Script } from 'node:vm'
import { frequentCommands } from './frequent-commands.ts'

/**
 * Starts the bundle of a command, or that of all, with the code that V8 compiled for the same command before: Node's own compile
 * cache leaves out functions that are compiled when they are first called, which is nearly all of them. Kept in $GANTRY_CACHE, a
 * directory that only this user can write, one file a bundle.
 */
const [, , word = ''] = process.argv
const bundle = join(__dirname, `gantry-${frequentCommands.includes(word) ? word : 'main'}.cjs`)
const cache = cacheFile()
const cachedData = cache === undefined ? undefined : readIfThere(join(cache.directory, cache.name))
// The bundle is ASCII: read as such it takes half the memory, and no decoding.
const script = new Script(`(function (require, __filename) {${readFileSync(bundle, 'latin1')}\n})`, { filename: bundle, ...(cachedData === undefined ? {} : { cachedData }) })
if (cache !== undefined && (cachedData === undefined || script.cachedDataRejected === true)) process.on('exit', () => keep(cache))
;(script.runInThisContext() as (load: (name: string) => object, filename: string) => void)(loadLate, bundle)

/** Parts of Node that take milliseconds to load, and that most commands never use, are loaded when they are. */
function loadLate(name: string): object {
  const load = (): object => process.getBuiltinModule(name) ?? {}
  const slow = ['node:child_process', 'node:net', 'node:tls', 'node:tty', 'node:fs/promises', 'node:os', 'node:http2', 'node:crypto', 'node:zlib', 'node:stream', 'node:stream/promises', 'node:readline', 'node:readline/promises'].includes(name)
  return slow ? new Proxy({}, { get: (_, key) => Reflect.get(load(), key) as unknown }) : load()
}

interface CacheFile {
  directory: string
  /** What files of the same bundle start with. */
  prefix: string
  name: string
}

/** V8 tells a stale file by the length of its source only, so the name tells the bundle's time. */
function cacheFile(): CacheFile | undefined {
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
function keep({ directory, prefix, name }: CacheFile): void {
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
