import { closeSync, openSync, readFileSync } from 'node:fs'
import { connect } from 'node:net'
import type { Socket } from 'node:net'
import { join } from 'node:path'
import type { Duplex } from 'node:stream'
import { errnoText } from '../kernel/errno.ts'
import { KernelError } from '../kernel/failure.ts'
import type { AttachOptions, ExitStatus, Monitor } from './monitor.ts'
import { commands, readRecord, recordKinds, recordSize, wants, writeRequest } from './protocol.ts'

const ESRCH = 3

export interface OpenMonitor {
  /** The monitor's directory. */
  directory: string
  pid: number
  /** From the status channel, when this process started the monitor. */
  executed?: Promise<void>
}

/**
 * Connects to a monitor. When it has gone already the object still answers `wait` from the exit file.
 */
export async function openMonitor(options: OpenMonitor): Promise<Monitor> {
  const client = new MonitorClient(options)
  await client.connect()
  return client
}

class MonitorClient implements Monitor {
  readonly pid: number
  readonly #directory: string
  readonly #executed: Promise<void> | undefined
  readonly #exit = Promise.withResolvers<ExitStatus>()
  readonly #replies: ((errno: number) => void)[] = []
  #control: Socket | undefined
  #closed = false

  constructor({ directory, pid, executed }: OpenMonitor) {
    this.pid = pid
    this.#directory = directory
    this.#executed = executed
  }

  async connect(): Promise<void> {
    const control = await connectTo(this.#directory)
    if (control === undefined) return this.#gone()
    this.#control = control
    onRecords(control, ({ kind, a, b }) => {
      if (kind === recordKinds.exited) this.#exit.resolve({ code: a, exitedAt: b })
      else this.#replies.shift()?.(a)
    })
    control.on('end', () => control.destroy()) // half open it would never close
    control.on('close', () => this.#gone())
    control.write(writeRequest(commands.wait))
  }

  async start(): Promise<void> {
    await this.#request('start the process', commands.start)
    await this.#executed
  }

  async attach(options: AttachOptions): Promise<Duplex> {
    const socket = await connectTo(this.#directory)
    if (socket === undefined) throw new KernelError('cannot attach to the process', ESRCH)
    const want = (options.stdin ? wants.stdin : 0) | (options.stdout ? wants.stdout : 0) | (options.stderr ? wants.stderr : 0) | (options.closeStdin ? wants.closeStdin : 0)
    socket.write(writeRequest(commands.attach, want))
    await readDone(socket)
    return socket
  }

  signal(signal: number): Promise<void> {
    return this.#request(`cannot send signal ${signal}`, commands.signal, signal)
  }

  resize({ width, height }: { width: number; height: number }): Promise<void> {
    return this.#request('cannot resize the terminal', commands.resize, width, height)
  }

  wait(): Promise<ExitStatus> {
    return this.#exit.promise
  }

  close(): void {
    this.#closed = true
    this.#control?.destroy()
  }

  #request(act: string, command: number, a = 0, b = 0): Promise<void> {
    const control = this.#control
    if (control === undefined || control.destroyed) return Promise.reject(new KernelError(act, ESRCH))
    return new Promise((resolve, reject) => {
      this.#replies.push((errno) => (errno === 0 ? resolve() : reject(new KernelError(act, errno))))
      control.write(writeRequest(command, a, b))
    })
  }

  #gone(): void {
    for (const reply of this.#replies.splice(0)) reply(ESRCH)
    if (!this.#closed) this.#exit.resolve(readExit(this.#directory) ?? { code: 137, exitedAt: Date.now() })
  }
}

/** The exit file of a monitor's directory: undefined while the process runs (or when the monitor was killed). */
export function readExit(directory: string): ExitStatus | undefined {
  try {
    const [code, exitedAt] = readFileSync(join(directory, 'exit'), 'utf8').trim().split(' ')
    return { code: Number(code), exitedAt: Number(exitedAt) }
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
}

/** What a watched file said last; undefined while the process runs, and where none is watched. */
export function readWatched(directory: string): string | undefined {
  try {
    return readFileSync(join(directory, 'watched'), 'latin1')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
}

/** Through a descriptor of the directory, since a socket's address has room for 107 bytes only. */
function connectTo(directory: string): Promise<Socket | undefined> {
  let fd: number
  try {
    fd = openSync(directory, 'r')
  } catch {
    return Promise.resolve(undefined)
  }
  return new Promise((resolve) => {
    const socket = connect({ path: `/proc/self/fd/${fd}/s`, allowHalfOpen: true })
    const settle = (value: Socket | undefined): void => {
      closeSync(fd)
      socket.removeAllListeners('error')
      socket.on('error', () => {}) // its end is what counts
      resolve(value)
    }
    socket.once('connect', () => settle(socket))
    socket.once('error', () => settle(undefined))
  })
}

function onRecords(socket: Socket, receive: (record: ReturnType<typeof readRecord>) => void): void {
  let pending: Buffer = Buffer.alloc(0)
  socket.on('data', (chunk: Buffer) => {
    pending = pending.length === 0 ? chunk : Buffer.concat([pending, chunk])
    while (pending.length >= recordSize) {
      receive(readRecord(pending))
      pending = pending.subarray(recordSize)
    }
  })
}

/** Reads exactly one record, leaving the bytes after it to the stream's user. */
function readDone(socket: Socket): Promise<void> {
  return new Promise((resolve, reject) => {
    const stop = (): void => {
      socket.off('readable', onReadable)
      socket.off('close', onClose)
    }
    const onClose = (): void => {
      stop()
      reject(new KernelError('cannot attach to the process', ESRCH))
    }
    const onReadable = (): void => {
      const bytes = socket.read(recordSize) as Buffer | null
      if (bytes === null) return
      stop()
      const { a } = readRecord(bytes)
      if (a === 0) resolve()
      else reject(new Error(`cannot attach to the process: ${errnoText(a)}`))
    }
    socket.on('readable', onReadable)
    socket.on('close', onClose)
  })
}
