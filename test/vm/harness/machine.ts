import { existsSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { type Agent, type Finished, talkToAgent } from './agent.ts'
import { ensureImage, projectRoot } from './image.ts'
import { type Qemu, type Security, startQemu } from './qemu.ts'
import { ensureSavedState, makeDisk } from './saved-state.ts'
import { makeScratch } from './scratch.ts'

/** A Debian 12 that is emulated: some 10 times slower than its host at computing, 30 times at starting processes. */
export interface Machine extends AsyncDisposable {
  /** Runs a bash script as root. */
  run(script: string, timeout?: number): Promise<Finished>
  /** For what has to succeed: its trimmed output. */
  must(script: string, timeout?: number): Promise<string>
}

const patience = 300_000

/**
 * A fresh machine, booted, with this checkout (read only) at /mnt/host. What it writes is forgotten. A saved state that is no good is
 * thrown away, and the machine booted once more.
 */
export async function startMachine(security: Security = 'apparmor'): Promise<Machine> {
  const image = ensureImage()
  const booted = await ensureSavedState(image, security)
  try {
    return await goOn(image, booted, security)
  } catch (error) {
    console.error(`vm: cannot go on from the saved state ${booted}, booting again: ${String(error)}`)
    rmSync(booted, { recursive: true, force: true })
    return goOn(image, await ensureSavedState(image, security), security)
  }
}

async function goOn(image: string, booted: string, security: Security): Promise<Machine> {
  const directory = makeScratch(tmpdir(), 'gantry-vm')
  const disk = path.join(directory, 'disk.qcow2')
  let qemu: Qemu | undefined
  const close = async () => {
    await qemu?.kill()
    qemu?.qmp.close()
    rmSync(directory, { recursive: true, force: true })
  }
  try {
    makeDisk(disk, { file: path.join(booted, 'disk.qcow2'), format: 'qcow2' })
    qemu = await startQemu({ image, directory, disk, share: projectRoot, state: path.join(booted, 'state'), security })
    await untilRunning(qemu)
    const machine = asMachine(talkToAgent(qemu), close)
    // The clock stood still since the state was saved.
    await machine.must(`date -s @${Date.now() / 1000} && mkdir -p /mnt/host && mount -t 9p -o trans=virtio,version=9p2000.L,msize=262144,ro host /mnt/host`, 60_000)
    return machine
  } catch (error) {
    await close()
    throw error
  }
}

function asMachine(agent: Agent, close: () => Promise<void>): Machine {
  return {
    run: (script, timeout = patience) => agent.run(script, timeout),
    async must(script, timeout = patience) {
      const { code, stdout, stderr } = await agent.run(script, timeout)
      if (code !== 0) throw new Error(`in the machine, ${script} ended with ${code}: ${stderr.trim() || stdout.trim()}`)
      return stdout.trim()
    },
    [Symbol.asyncDispose]: close,
  }
}

/** Until the saved state has been read, the guest hears nothing. */
async function untilRunning(qemu: Qemu): Promise<void> {
  for (let attempt = 0; attempt < 600; attempt++) {
    const { status } = await qemu.qmp.execute('query-status')
    if (status === 'running') return
    await sleep(50)
  }
  throw new Error(`cannot go on from the saved state: ${qemu.lastWords()}`)
}

/** What the tests need of the checkout must have been built. @throws Error that says how */
export function requireBuild(): void {
  for (const file of ['build/gantry-init', 'build/syscall.node', 'dist/gantryd.js', 'dist/gantry.cjs', 'dist/gantry-proxy.js']) {
    if (!existsSync(path.join(projectRoot, file))) throw new Error(`cannot test in a virtual machine: ${file} is missing; run make build`)
  }
}
