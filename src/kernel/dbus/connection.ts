import { connect, type Socket } from 'node:net'
import { once } from 'node:events'
import { decodeMessage, encodeMessage, messageTypes, type DbusMessage } from './message.ts'
import type { DbusValue } from './value.ts'

export interface DbusCall {
  destination?: string
  path: string
  interface: string
  member: string
  signature?: string
  body?: readonly DbusValue[]
}

/** The other side answered with an error. */
export class DbusError extends Error {
  readonly errorName: string

  constructor(call: DbusCall, { errorName = '', body = [] }: DbusMessage) {
    super(`cannot call ${call.interface}.${call.member}: ${typeof body[0] === 'string' ? body[0] : errorName}`)
    this.name = 'DbusError'
    this.errorName = errorName
  }
}

type Listener = (message: DbusMessage) => void

/** A connection to a bus, or to a service that speaks D-Bus without one (D-Bus Specification, "Authentication Protocol"). */
export class DbusConnection {
  readonly #socket: Socket
  readonly #waiting = new Map<number, { call: DbusCall; resolve: (body: readonly DbusValue[]) => void; reject: (error: Error) => void }>()
  readonly #listeners = new Set<Listener>()
  #received = Buffer.alloc(0)
  #serial = 0

  private constructor(socket: Socket) {
    this.#socket = socket
    socket.on('data', (chunk: Buffer) => this.#receive(chunk))
    socket.on('error', (error) => this.#fail(error))
    socket.on('close', () => this.#fail(new Error('the D-Bus connection was closed')))
  }

  /** Connects as the user of this process, as the other side counts them. A `bus` wants to be greeted. */
  static async open(path: string, { bus, user = process.geteuid?.() ?? 0 }: { bus: boolean; user?: number }): Promise<DbusConnection> {
    const socket = connect(path)
    await once(socket, 'connect')
    const uid = Buffer.from(String(user)).toString('hex')
    socket.write(`\0AUTH EXTERNAL ${uid}\r\n`)
    const answer = await readLine(socket)
    if (!answer.startsWith('OK ')) {
      socket.destroy()
      throw new Error(`cannot log in to D-Bus at ${path}: ${answer}`)
    }
    socket.write('BEGIN\r\n')
    const connection = new DbusConnection(socket)
    if (bus) await connection.call({ destination: 'org.freedesktop.DBus', path: '/org/freedesktop/DBus', interface: 'org.freedesktop.DBus', member: 'Hello' })
    return connection
  }

  /** @returns what the method gives. @throws DbusError */
  call(call: DbusCall): Promise<readonly DbusValue[]> {
    const serial = ++this.#serial
    const { promise, resolve, reject } = Promise.withResolvers<readonly DbusValue[]>()
    this.#waiting.set(serial, { call, resolve, reject })
    this.#socket.write(encodeMessage({ type: messageTypes.call, serial, ...call }))
    return promise
  }

  /** Every signal from now on. @returns what ends it */
  onSignal(listener: Listener): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  close(): void {
    this.#socket.destroy()
  }

  #receive(chunk: Buffer): void {
    this.#received = Buffer.concat([this.#received, chunk])
    try {
      for (let next = decodeMessage(this.#received); next !== undefined; next = decodeMessage(this.#received)) {
        this.#received = this.#received.subarray(next.size)
        this.#dispatch(next.message)
      }
    } catch (error) {
      this.#socket.destroy(error as Error)
    }
  }

  #dispatch(message: DbusMessage): void {
    if (message.type === messageTypes.signal) for (const listener of this.#listeners) listener(message)
    const waiting = this.#waiting.get(message.replySerial ?? 0)
    if (waiting === undefined) return
    this.#waiting.delete(message.replySerial ?? 0)
    if (message.type === messageTypes.error) waiting.reject(new DbusError(waiting.call, message))
    else waiting.resolve(message.body ?? [])
  }

  #fail(error: Error): void {
    for (const { reject } of this.#waiting.values()) reject(error)
    this.#waiting.clear()
  }
}

/** One line, and not a byte of what follows: the other side says nothing more before BEGIN. */
async function readLine(socket: Socket): Promise<string> {
  let line = ''
  const ended = new AbortController()
  socket.once('close', () => ended.abort())
  while (!line.endsWith('\r\n')) {
    const [chunk] = (await once(socket, 'data', ended).catch((cause: unknown) => {
      throw new Error('cannot log in to D-Bus: the other side closed the connection', { cause })
    })) as [Buffer]
    line += chunk.toString('latin1')
    if (line.length > 16_384) throw new Error('cannot log in to D-Bus: the answer is too long')
  }
  return line.trimEnd()
}
