import { mkdirSync, rmSync } from 'node:fs'
import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { talkToAgent } from './agent.ts'
import { type Security, startQemu } from './qemu.ts'
import { ensureState, makeDisk, qemuKey, save } from './saved-state.ts'

const bootTimeout = 300_000

/** The state of a machine that has just booted. */
export async function ensureBooted(image: string, security: Security): Promise<string> {
  return ensureState(path.join(image, `booted-${security}-${qemuKey()}`), async (scratch) => {
    await bootAndSave(image, scratch, security).catch(async (error: unknown) => {
      console.error(`vm: the machine did not boot, trying once more: ${String(error)}`)
      rmSync(scratch, { recursive: true, force: true })
      mkdirSync(scratch)
      await bootAndSave(image, scratch, security)
    })
  })
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
    qemu.qmp.close()
  }
}
