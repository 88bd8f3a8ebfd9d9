import { lstatSync, readdirSync } from 'node:fs'
import { ifThere } from '../../../lib/if-there.ts'
import { Pace } from '../../../lib/pace.ts'

const slash = Buffer.from('/')

/** Bytes of everything but directories below `directory`, in which a running container may remove files meanwhile, each inode once: what Docker calls the size of a layer. */
export async function directorySize(directory: string): Promise<number> {
  const seen = new Set<number>()
  let size = 0
  // A look at each of thousands of files takes less than a trip to another thread and back.
  const pace = new Pace()
  // Bytes all the way: names need not be UTF-8.
  const pending = [Buffer.from(directory)]
  for (let next = pending.pop(); next !== undefined; next = pending.pop()) {
    const parent = next
    const entries = ifThere(() => readdirSync(parent, { withFileTypes: true, encoding: 'buffer' }))
    for (const entry of entries ?? []) {
      await pace.rest()
      const path = Buffer.concat([parent, slash, entry.name])
      if (entry.isDirectory()) {
        pending.push(path)
        continue
      }
      const stats = ifThere(() => lstatSync(path))
      if (stats === undefined || seen.has(stats.ino)) continue
      if (stats.nlink > 1) seen.add(stats.ino)
      size += stats.size
    }
  }
  return size
}
