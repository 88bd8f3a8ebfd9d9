import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { chmodSync, copyFileSync, mkdirSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { mountsOf } from '../harness/private-directory.ts'
import { must } from '../harness/run.ts'

/** A directory of the host that no container has been given: a secret to read, a program to execute, places to write. */
export interface Bait {
  readonly directory: string
  /** A file whose text is `secret`. */
  readonly file: string
  readonly secret: string
  /** A static program of the host: a busybox, which has to be called so. */
  readonly program: string
  /** Nothing was made, changed, removed or mounted there. */
  assertUntouched(): Promise<void>
}

export async function layBait(directory: string): Promise<Bait> {
  const secret = `host-secret-${randomBytes(8).toString('hex')}`
  const file = path.join(directory, 'secret')
  const program = path.join(directory, 'busybox')
  mkdirSync(path.join(directory, 'etc'), { recursive: true })
  writeFileSync(file, `${secret}\n`)
  writeFileSync(path.join(directory, 'etc/passwd'), 'trap:x:4711:4711::/:/bin/sh\n')
  writeFileSync(path.join(directory, 'etc/group'), 'trapped:x:4712:\n')
  copyFileSync('/bin/busybox', program)
  chmodSync(program, 0o755)
  const before = await fingerprint(directory)
  return {
    directory,
    file,
    secret,
    program,
    async assertUntouched() {
      assert.equal(await fingerprint(directory), before, 'a container changed the host')
      assert.deepEqual(mountsOf(directory), [], 'a container mounted on the host')
    },
  }
}

/** Every name with its type, mode, owner and time of change, and the hash of every file. */
async function fingerprint(directory: string): Promise<string> {
  const names = await must(['find', directory, '-printf', '%P %y %m %U:%G %s %l %C@\\n'])
  const sums = await must(['find', directory, '-type', 'f', '-exec', 'sha256sum', '{}', '+'])
  return [names, sums].map((text) => text.split('\n').toSorted().join('\n')).join('\n')
}
