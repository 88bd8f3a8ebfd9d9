import { readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { type Agent, type Finished, talkToAgent } from './agent.ts'
import { projectRoot } from './image.ts'
import { type Qemu, type Security, startQemu } from './qemu.ts'
import { makeDisk, save } from './saved-state.ts'
import { makeScratch } from './scratch.ts'

/** A Debian 12 that is emulated: some 10 times slower than its host at computing, 30 times at starting processes. */
export interface Machine extends AsyncDisposable {
  /** Runs a bash script as root. */
  run(script: string, timeout?: number): Promise<Finished>
  /** For what has to succeed: its trimmed output. */
  must(script: string, timeout?: number): Promise<string>
  /** How long processors have worked for it since it went on, in seconds. */
  processorSeconds(): number
  /** Stops it, with its memory in the file `state` of its directory. */
  save(): Promise<void>
}

export interface ResumeOptions {
  image: string
  /** A directory with the disk and the state to go on from. */
  from: string
  security: Security
  /** Receives its own disk; a temporary one, unless told. */
  directory?: string
}

const patience = 300_000

/** A machine that goes on from a saved state, with this checkout (read only) at /mnt/host. What it writes is its own. */
export async function resumeMachine({ image, from, security, directory = makeScratch(tmpdir(), 'gantry-vm') }: ResumeOptions): Promise<Machine> {
  const disk = path.join(directory, 'disk.qcow2')
  let qemu: Qemu | undefined
  const close = async () => {
    await qemu?.kill()
    qemu?.qmp.close()
    if (directory.startsWith(tmpdir())) rmSync(directory, { recursive: true, force: true })
  }
  try {
    makeDisk(disk, { file: path.join(from, 'disk.qcow2'), format: 'qcow2' })
    qemu = await startQemu({ image, directory, disk, share: projectRoot, state: path.join(from, 'state'), security })
    await untilRunning(qemu)
    const machine = asMachine(talkToAgent(qemu), qemu, { close, state: path.join(directory, 'state') })
    // The clock stood still since the state was saved.
    await machine.must(`date -s @${Date.now() / 1000} && mkdir -p /mnt/host && mount -t 9p -o trans=virtio,version=9p2000.L,msize=262144,ro host /mnt/host`, 60_000)
    return machine
  } catch (error) {
    await close()
    throw error
  }
}

function asMachine(agent: Agent, qemu: Qemu, { close, state }: { close: () => Promise<void>; state: string }): Machine {
  const machine: Machine = {
    run: (script, timeout = patience) => agent.run(script, timeout),
    async must(script, timeout = patience) {
      const { code, stdout, stderr } = await agent.run(script, timeout)
      if (code !== 0) throw new Error(`in the machine, ${script} ended with ${code}: ${stderr.trim() || stdout.trim()}`)
      return stdout.trim()
    },
    async save() {
      // With a directory of the host in use there is no state.
      await machine.must('sync; umount /mnt/host')
      await save(qemu, state)
    },
    processorSeconds() {
      const [user = 0, system = 0] = readFileSync(`/proc/${qemu.process.pid}/stat`, 'latin1').split(') ')[1]!.split(' ').slice(11, 13).map(Number)
      return Math.round((user + system) / 100)
    },
    [Symbol.asyncDispose]: close,
  }
  return machine
}

/** Until the saved state has been read, the guest hears nothing. */
async function untilRunning(qemu: Qemu): Promise<void> {
  for (let attempt = 0; attempt < 1200; attempt++) {
    const { status } = await qemu.qmp.execute('query-status')
    if (status === 'running') return
    await sleep(50)
  }
  throw new Error(`cannot go on from the saved state: ${qemu.lastWords()}`)
}
