import { lstat, readdir } from 'node:fs/promises'
import { join } from 'node:path'

/** Bytes of everything but directories below `directory`, each inode once: what Docker calls the size of a layer. */
export async function directorySize(directory: string): Promise<number> {
  const seen = new Set<number>()
  let size = 0
  const pending = [directory]
  for (let next = pending.pop(); next !== undefined; next = pending.pop()) {
    const parent = next
    const entries = await readdir(parent, { withFileTypes: true, encoding: 'buffer' }).catch(gone)
    const paths = (entries ?? []).map((entry) => ({ entry, path: join(parent, entry.name.toString('latin1')) }))
    for (const { entry, path } of paths) {
      const bytes = Buffer.from(path, 'latin1')
      if (entry.isDirectory()) {
        pending.push(path)
        continue
      }
      const stats = await lstat(bytes).catch(gone)
      if (stats === undefined || seen.has(stats.ino)) continue
      if (stats.nlink > 1) seen.add(stats.ino)
      size += stats.size
    }
  }
  return size
}

/** A running container may remove files meanwhile. */
function gone(error: unknown): undefined {
  if ((error as { code?: string }).code === 'ENOENT') return undefined
  throw error
}
