import { mkdirSync, truncateSync, writeFileSync } from 'node:fs'
import { must } from '../e2e/harness/run.ts'

/** Bytes; the file has only those that are written. */
const size = 24 * 2 ** 30

/**
 * Mounts a new ext4 with a journal, as an installation of Debian has, at `place`, which has to be below a private directory: what a contender
 * stores then depends neither on the machine's file system nor on what others have deleted from it.
 *
 * `removePrivateDirectory` unmounts it as anything that is mounted there, also when another run finds the directory of one that was killed;
 * the loop device goes with the mount, because it was made by it.
 */
export async function ownFileSystem(place: string): Promise<void> {
  const file = `${place}.ext4`
  writeFileSync(file, '')
  truncateSync(file, size)
  await must(['mkfs.ext4', '-q', '-F', '-E', 'lazy_itable_init=0,lazy_journal_init=0', file])
  mkdirSync(place, { recursive: true })
  await must(['mount', '-o', 'loop', file, place])
}
