import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { mkdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { talkToAgent } from './agent.ts'
import { type Qemu, type Security, startQemu } from './qemu.ts'
import { makeScratch } from './scratch.ts'

const bootTimeout = 300_000

/** Directory with `disk.qcow2` and `state` of a machine that has booted. Boots one when it is not there. */
export async function ensureSavedState(image: string, security: Security): Promise<string> {
  const directory = path.join(image, `booted-${security}-${await stateKey()}`)
  if (isWhole(directory)) return directory
  rmSync(directory, { recursive: true, force: true })
  const scratch = makeScratch(image, 'booting')
  try {
    await bootAndSave(image, scratch, security).catch(async (error: unknown) => {
      console.error(`vm: the machine did not boot, trying once more: ${String(error)}`)
      rmSync(scratch, { recursive: true, force: true })
      mkdirSync(scratch)
      await bootAndSave(image, scratch, security)
    })
    for (const name of ['console', 'qemu.log', 'qmp', 'empty']) rmSync(path.join(scratch, name), { recursive: true, force: true })
    try {
      renameSync(scratch, directory)
    } catch (error) {
      // Somebody else was quicker, and theirs is as good.
      if (!isWhole(directory)) throw error
    }
  } finally {
    rmSync(scratch, { recursive: true, force: true })
  }
  return directory
}

/** Somebody may have tidied the cache up by hand, or the disk may have been full. */
function isWhole(directory: string): boolean {
  return ['disk.qcow2', 'state'].every((name) => (statSync(path.join(directory, name), { throwIfNoEntry: false })?.size ?? 0) > 0)
}

/** qcow2 layer that takes the writes of one machine; the file below stays as it is. */
export function makeDisk(file: string, below: { file: string; format: 'raw' | 'qcow2' }): void {
  execFileSync('qemu-img', ['create', '-q', '-f', 'qcow2', '-F', below.format, '-b', below.file, file])
}

async function bootAndSave(image: string, directory: string, security: Security): Promise<void> {
  const disk = path.join(directory, 'disk.qcow2')
  const share = path.join(directory, 'empty')
  mkdirSync(share)
  makeDisk(disk, { file: path.join(image, 'root.raw'), format: 'raw' })
  const qemu = await startQemu({ image, directory, disk, share, security })
  try {
    const agent = talkToAgent(qemu)
    const overdue = sleep(bootTimeout, undefined, { ref: false }).then(() => {
      throw new Error(`the virtual machine has not booted after ${bootTimeout} ms: ${qemu.lastWords()}`)
    })
    const state = await Promise.race([agent.ready, overdue])
    if (state !== 'running') {
      const { stdout } = await agent.run('systemctl --failed --no-legend', 60_000)
      throw new Error(`the virtual machine is ${state}: ${stdout}`)
    }
    await agent.run('sync', 60_000)
    await save(qemu, path.join(directory, 'state'))
  } finally {
    await qemu.kill()
  }
}

async function save({ qmp }: Qemu, file: string): Promise<void> {
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
async function stateKey(): Promise<string> {
  const parts = [
    execFileSync('qemu-system-x86_64', ['--version'], { encoding: 'utf8' }),
    readFileSync(path.join(import.meta.dirname, 'qemu.ts')),
    /^model name.*$/m.exec(readFileSync('/proc/cpuinfo', 'utf8'))?.[0] ?? '',
  ]
  const hash = createHash('sha256')
  for (const part of parts) hash.update(part)
  return hash.digest('hex').slice(0, 12)
}
