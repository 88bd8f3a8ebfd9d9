import { readFileSync, readlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { GantryError, messageOf } from '../../lib/errors.ts'

/** Beside criu's images, as from runc: what descriptors 0, 1 and 2 were, "pipe:[1234]" or a path. */
const file = 'descriptors.json'

export function saveDescriptors(images: string, pid: number): void {
  const links = [0, 1, 2].map((descriptor) => linkOf(`/proc/${pid}/fd/${descriptor}`))
  writeFileSync(join(images, file), JSON.stringify(links), { mode: 0o600 })
}

/** Pipes of the caller of then, by name; the caller of now gives others. @throws GantryError InvalidParameter: there is no checkpoint */
export function pipesOf(images: string): { key: string; descriptor: number }[] {
  try {
    const links = JSON.parse(readFileSync(join(images, file), 'utf8')) as unknown[]
    return links.slice(0, 3).flatMap((key, descriptor) => (typeof key === 'string' && key.includes('pipe:') ? [{ key, descriptor }] : []))
  } catch (cause) {
    throw new GantryError('InvalidParameter', `cannot restore from ${images}: ${messageOf(cause)}`, { cause })
  }
}

function linkOf(path: string): string {
  try {
    return readlinkSync(path)
  } catch {
    return '' // closed
  }
}
