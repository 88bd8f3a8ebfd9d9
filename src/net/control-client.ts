import { mkdirSync } from 'node:fs'
import { connect } from 'node:net'
import type { Socket } from 'node:net'
import path from 'node:path'
import { createInterface } from 'node:readline'
import { setTimeout as sleep } from 'node:timers/promises'
import { startDaemon } from '../kernel/daemon-process.ts'

export interface ControlledProgram {
  /** "gantry-dns", for messages. */
  name: string
  /** Given the path of its control socket, and told to serve it. */
  argv: (socketPath: string) => readonly [string, ...string[]]
  /** Where `<file>.sock`, `.pid` and `.log` are. */
  folder: string
  file: string
  /** It has gone, and nobody has asked it to. */
  onLost: () => void
}

/**
 * A process that outlives this one, commanded through a unix socket by lines of JSON, each answered in turn by one with the same
 * id. It is found again if it runs, and started at the first question if it does not.
 */
export class ControlClient<Command extends { op: string }, Reply extends { id: number }> {
  readonly #program: ControlledProgram
  readonly #waiting = new Map<number, { resolve: (reply: Reply) => void; reject: (error: Error) => void }>()
  #connection: Promise<Socket> | undefined
  #lastId = 0
  #left = false

  constructor(program: ControlledProgram) {
    this.#program = program
    mkdirSync(program.folder, { recursive: true, mode: 0o700 })
  }

  async ask(command: Command): Promise<Reply> {
    for (let attempt = 0; ; attempt++) {
      try {
        return await this.#send(await (this.#connection ??= this.#startAndConnect()), command)
      } catch (error) {
        this.#connection = undefined
        // It may have ended just when we asked.
        if (attempt >= 1) throw error
      }
    }
  }

  /** Undefined when it does not run. */
  async askRunning(command: Command): Promise<Reply | undefined> {
    try {
      this.#connection ??= this.#connect()
      return await this.#send(await this.#connection, command)
    } catch {
      this.#connection = undefined
      return undefined
    }
  }

  /** Settles when it has ended, or wants to stay. */
  async end(command: Command): Promise<void> {
    const socket = await this.#connection?.catch(() => undefined)
    if (socket === undefined || socket.destroyed) return
    const gone = new Promise<void>((resolve) => {
      socket.once('close', () => resolve())
    })
    const kept = new AbortController()
    await this.#send(socket, command).catch(() => undefined)
    await Promise.race([gone, sleep(1000, undefined, { signal: kept.signal }).catch(() => undefined)])
    kept.abort()
  }

  /** Lets go of it. */
  async leave(): Promise<void> {
    this.#left = true
    const socket = await this.#connection?.catch(() => undefined)
    if (socket === undefined || socket.destroyed) return
    await new Promise<void>((resolve) => {
      socket.once('close', () => resolve())
      socket.destroy()
    })
  }

  get #socketPath(): string {
    return path.join(this.#program.folder, `${this.#program.file}.sock`)
  }

  #send(socket: Socket, command: Command): Promise<Reply> {
    return new Promise((resolve, reject) => {
      if (socket.destroyed) {
        reject(new Error(`${this.#program.name} is gone`))
        return
      }
      const id = ++this.#lastId
      this.#waiting.set(id, { resolve, reject })
      socket.ref()
      socket.write(`${JSON.stringify({ id, ...command })}\n`)
    })
  }

  async #startAndConnect(): Promise<Socket> {
    try {
      return await this.#connect()
    } catch {
      const { name, argv, folder, file } = this.#program
      const { report } = await startDaemon({ argv: argv(this.#socketPath), pidfile: path.join(folder, `${file}.pid`), logfile: path.join(folder, `${file}.log`) })
      if (!report.startsWith('0')) throw new Error(`cannot start ${name}: ${report.replace(/^1\n/, '').trim() || 'it ended at once'}`)
      return this.#connect()
    }
  }

  #connect(): Promise<Socket> {
    return new Promise((resolve, reject) => {
      const socket = connect(this.#socketPath)
      socket.once('error', reject)
      socket.once('connect', () => {
        socket.off('error', reject)
        socket.on('error', () => {})
        socket.unref()
        this.#listen(socket)
        resolve(socket)
      })
    })
  }

  #listen(socket: Socket): void {
    // readline passes on what goes wrong with its input; "close" follows.
    createInterface({ input: socket }).on('error', () => {}).on('line', (line) => {
      const reply = JSON.parse(line) as Reply
      this.#waiting.get(reply.id)?.resolve(reply)
      this.#waiting.delete(reply.id)
      if (this.#waiting.size === 0) socket.unref()
    })
    socket.once('close', () => {
      this.#connection = undefined
      for (const { reject } of this.#waiting.values()) reject(new Error(`${this.#program.name} ended`))
      this.#waiting.clear()
      if (!this.#left) this.#program.onLost()
    })
  }
}
