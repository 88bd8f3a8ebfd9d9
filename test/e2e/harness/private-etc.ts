import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { eventually } from './eventually.ts'
import { namespace } from './processes.ts'
import { must } from './run.ts'

/** A mount namespace whose /etc is a copy: what changes users and groups there leaves the real ones alone. */
export interface PrivateEtc {
  /** A command prefix that enters it. */
  readonly enter: string[]
  read(file: string): string
  /** Mount points that are seen there. */
  mounts(): string[]
  close(): Promise<void>
}

export async function makePrivateEtc(): Promise<PrivateEtc> {
  const directory = mkdtempSync(path.join(tmpdir(), 'gantry-etc-'))
  // It reads a pipe that nobody writes: it ends with this process, however that ends.
  const holder = spawn('unshare', ['--mount', '--propagation', 'slave', 'cat'], { stdio: ['pipe', 'ignore', 'inherit'] })
  const pid = holder.pid ?? 0
  const enter = ['nsenter', `--mount=/proc/${pid}/ns/mnt`]
  const close = async () => {
    if (holder.exitCode === null && holder.signalCode === null) {
      const ended = once(holder, 'exit')
      holder.stdin?.end()
      await ended
    }
    rmSync(directory, { recursive: true })
  }
  try {
    await eventually(() => {
      const there = namespace(pid, 'mnt')
      if (there === '' || there === namespace('self', 'mnt')) throw new Error('cannot make a mount namespace: unshare is slow')
    })
    await must(['cp', '-a', '/etc/.', directory])
    await must([...enter, 'mount', '--bind', directory, '/etc'])
  } catch (error) {
    await close()
    throw error
  }
  return {
    enter,
    read: (file) => readFileSync(path.join(directory, file), 'utf8'),
    mounts: () => readFileSync(`/proc/${pid}/mountinfo`, 'utf8').split('\n').map((line) => line.split(' ')[4] ?? ''),
    close,
  }
}
