import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { withLock } from './lock.ts'
import type { Qemu } from './qemu.ts'
import { makeScratch } from './scratch.ts'

/**
 * A directory with `disk.qcow2` and `state` of a machine that stands still, from which any number of machines go on. When it is not
 * there `make` leaves the two in the directory that it is given; those who want it meanwhile wait for that.
 */
export async function ensureState(directory: string, make: (scratch: string) => Promise<void>): Promise<string> {
  if (isWhole(directory)) return directory
  // One lock for all keys: nothing is gained by making two at a time.
  return withLock(`${directory.replace(/-[^-]*$/, '')}.lock`, async () => {
    if (isWhole(directory)) return directory
    const started = Date.now()
    const name = path.basename(directory)
    const scratch = makeScratch(path.dirname(directory), 'making')
    try {
      await make(scratch)
      for (const left of ['console', 'qemu.log', 'qmp', 'empty']) rmSync(path.join(scratch, left), { recursive: true, force: true })
      rmSync(directory, { recursive: true, force: true })
      renameSync(scratch, directory)
    } finally {
      rmSync(scratch, { recursive: true, force: true })
    }
    console.error(`vm: made ${name} in ${Math.round((Date.now() - started) / 1000)} s`)
    return directory
  })
}

/** Somebody may have tidied the cache up by hand, or the disk may have been full. */
function isWhole(directory: string): boolean {
  return ['disk.qcow2', 'state'].every((name) => (statSync(path.join(directory, name), { throwIfNoEntry: false })?.size ?? 0) > 0)
}

/** qcow2 layer that takes the writes of one machine; the file below stays as it is. */
export function makeDisk(file: string, below: { file: string; format: 'raw' | 'qcow2' }): void {
  execFileSync('qemu-img', ['create', '-q', '-f', 'qcow2', '-F', below.format, '-b', below.file, file])
}

/** Stops a machine for good and writes down what is in its memory. */
export async function save({ qmp }: Qemu, file: string): Promise<void> {
  writeFileSync(file, '')
  await qmp.execute('migrate-set-parameters', { 'max-bandwidth': 8 * 2 ** 30 })
  await qmp.execute('migrate', { uri: `exec:cat >${file}` })
  for (;;) {
    const { status, ...rest } = await qmp.execute('query-migrate')
    if (status === 'completed') return
    if (status === 'failed' || status === 'cancelled') throw new Error(`cannot save the virtual machine: ${JSON.stringify(rest)}`)
    await sleep(200)
  }
}

/** A state fits only the program, the arguments and the processor that it was saved with. */
export function qemuKey(): string {
  const program = execFileSync('qemu-system-x86_64', ['--version'], { encoding: 'utf8' })
  return keyOf([program, readFileSync(path.join(import.meta.dirname, 'qemu.ts')), /^model name.*$/m.exec(readFileSync('/proc/cpuinfo', 'utf8'))?.[0] ?? ''])
}

export function keyOf(parts: readonly (string | Buffer)[]): string {
  const hash = createHash('sha256')
  for (const part of parts) hash.update(part)
  return hash.digest('hex').slice(0, 12)
}
