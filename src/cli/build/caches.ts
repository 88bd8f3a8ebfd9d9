import path from 'node:path'
import { taggedDigest, tagManifest, type ContentStore } from './content-stores.ts'
import { cacheEntries } from './attributes.ts'

interface CacheEntry {
  type: string
  attributes: Record<string, string>
}

/** --cache-from and --cache-to, with what a directory on this side has to do with it. */
export interface BuildCaches {
  imports: CacheEntry[]
  exports: CacheEntry[]
  stores: Map<string, ContentStore>
  /** Directories that were asked for, and are no cache. */
  missing: string[]
  /** Writes down what the engine has exported. */
  finish(answer: Readonly<Record<string, string>>): void
}

export function readCaches(from: readonly string[], to: readonly string[]): BuildCaches {
  const stores = new Map<string, ContentStore>()
  const missing: string[] = []
  const imports = cacheEntries(from).flatMap((entry) => {
    const { src } = entry.attributes
    if (entry.type !== 'local' || src === undefined) return [entry]
    const directory = path.resolve(src)
    const digest = entry.attributes['digest'] ?? taggedDigest(directory, entry.attributes['tag'] ?? 'latest')
    if (digest === undefined) {
      missing.push(src)
      return []
    }
    stores.set(`local:${directory}`, { directory, writable: false })
    return [{ type: 'local', attributes: { ...entry.attributes, src: directory, digest } }]
  })
  const directories: { directory: string; tag: string }[] = []
  const exports = cacheEntries(to).map((entry) => {
    const { dest, tag = 'latest' } = entry.attributes
    if (entry.type !== 'local' || dest === undefined) return entry
    const directory = path.resolve(dest)
    stores.set(`local:${directory}`, { directory, writable: true })
    directories.push({ directory, tag })
    return { type: 'local', attributes: { ...entry.attributes, dest: directory } }
  })
  return {
    imports,
    exports,
    stores,
    missing,
    finish(answer) {
      const text = answer['cache.manifest']
      if (text === undefined) return
      for (const { directory, tag } of directories) tagManifest(directory, JSON.parse(text) as Parameters<typeof tagManifest>[1], [tag])
    },
  }
}
