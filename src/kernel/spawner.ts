import { spawn } from 'node:child_process'
import { closeSync } from 'node:fs'
import { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { KernelError } from './failure.ts'
import { initBinaryPath } from './init-binary.ts'
import type { Kernel } from './kernel.ts'
import { nr } from './syscalls.ts'

const O_CLOEXEC = 0o2000000
/** Each monitor writes its own name over the spawner's arguments, so they have to be as long as an id. */
const nameRoom = 64

/**
 * A small process that forks monitors on our behalf: a fork of this one would copy the page tables of all its memory and
 * hold the event loop meanwhile. It is started at the first use, and again should it have died, and ends with this process.
 */
export class Spawner {
  readonly #kernel: Pick<Kernel, 'syscall'>
  #control: Duplex | undefined
  readonly #waiting: (() => void)[] = []

  constructor(kernel: Pick<Kernel, 'syscall'>) {
    this.#kernel = kernel
  }

  /** Starts the program; what comes back is the reading end of its status channel, which ends without a word if nothing could be started. */
  start(programPath: string): Socket {
    const [reading, writing] = this.#pipe()
    const path = Buffer.from(programPath)
    const header = Buffer.alloc(8)
    header.writeUInt32LE(writing, 0)
    header.writeUInt32LE(path.length, 4)
    this.#control ??= this.#launch()
    this.#waiting.push(() => closeSync(writing))
    this.#control.write(Buffer.concat([header, path]))
    return new Socket({ fd: reading, readable: true, writable: false })
  }

  #launch(): Duplex {
    const child = spawn(initBinaryPath(this.#kernel), ['spawn', '-'.repeat(nameRoom)], { argv0: 'gantry-spawner', cwd: '/', env: {}, stdio: ['ignore', 'ignore', 'ignore', 'pipe'] })
    const control = child.stdio[3] as Socket
    control.on('data', (bytes: Buffer) => {
      for (const done of this.#waiting.splice(0, bytes.length)) done()
    })
    const ended = (): void => {
      if (this.#control !== control) return
      this.#control = undefined
      for (const done of this.#waiting.splice(0)) done()
    }
    control.on('error', ended)
    control.on('close', ended)
    child.on('error', ended)
    // It must not keep a process alive that has nothing else to do.
    child.unref()
    control.unref()
    return control
  }

  #pipe(): [number, number] {
    const pair = Buffer.alloc(8)
    const result = this.#kernel.syscall(nr('pipe2'), pair, O_CLOEXEC)
    if (result < 0) throw new KernelError('cannot make a status channel', -result)
    return [pair.readInt32LE(0), pair.readInt32LE(4)]
  }
}
