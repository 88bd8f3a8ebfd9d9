import { readdirSync, rmSync } from 'node:fs'
import { readdir, rm, stat, utimes } from 'node:fs/promises'
import path from 'node:path'
import { directorySize } from '../../containerd/snapshots/tree/directory-size.ts'

/** What a copier keeps of URLs and repositories, each in a directory of its own below these; its time is that of the last use. */
const kinds = ['urls', 'git'] as const

/** Takes away what a build that was killed has left half made. */
export function sweepSources(directory: string): void {
  rmSync(path.join(directory, 'inline'), { recursive: true, force: true })
  for (const kind of kinds) {
    for (const name of namesIn(path.join(directory, kind))) {
      const place = path.join(directory, kind, name)
      if (name.startsWith('tmp-')) rmSync(place, { recursive: true, force: true })
      else if (kind === 'urls') for (const half of namesIn(place)) if (half.startsWith('tmp-')) rmSync(path.join(place, half), { force: true })
    }
  }
}

export async function markUsed(place: string): Promise<void> {
  const now = Date.now() / 1000
  await utimes(place, now, now)
}

/**
 * Removes what was not used since a time, in milliseconds since the epoch. No build may be running that began before it.
 * @returns bytes
 */
export async function pruneSources(directory: string, { before }: { before: number }): Promise<number> {
  let freed = 0
  for (const kind of kinds) {
    for (const name of await readdir(path.join(directory, kind)).catch(() => [])) {
      const place = path.join(directory, kind, name)
      const used = await stat(place).catch(() => undefined)
      if (used === undefined || used.mtimeMs >= before) continue
      freed += await directorySize(place)
      await rm(place, { recursive: true, force: true })
    }
  }
  return freed
}

function namesIn(place: string): string[] {
  try {
    return readdirSync(place)
  } catch (error) {
    const { code } = error as { code?: string }
    if (code === 'ENOENT' || code === 'ENOTDIR') return []
    throw error
  }
}
