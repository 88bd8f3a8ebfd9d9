import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { connect as connectTls, type ConnectionOptions } from 'node:tls'
import { GantryError } from '../../lib/errors.ts'
import type { Address } from './address.ts'

/** An open byte stream to a receiver. */
export interface StreamConnection {
  /** Settles when the kernel has taken the bytes. @throws when the stream has broken */
  write(bytes: Buffer): Promise<void>
  /** The next bytes from the other side. @throws when there will be none */
  read(): Promise<Buffer>
  /** A receiver that has gone is seen before the next write. */
  readonly broken: Error | undefined
  /** Milliseconds since the epoch; infinite while it holds. */
  readonly brokenAt: number
  close(): void
}

/** `timeout` of connecting and `writeTimeout` in milliseconds. @throws GantryError Unavailable "dial tcp 127.0.0.1:514: connect: connection refused" */
export async function openStream({ scheme, host, port, path }: Address, options: { tls?: ConnectionOptions; timeout?: number; writeTimeout?: number } = {}): Promise<StreamConnection> {
  const target = scheme === 'unix' ? { path } : { host, port }
  const socket = options.tls === undefined ? connect(target) : connectTls({ ...target, ...options.tls })
  const network = scheme === 'unix' ? `unix ${path}` : `tcp ${host.includes(':') ? `[${host}]` : host}:${port}`
  const timer = setTimeout(() => socket.destroy(Object.assign(new Error('i/o timeout'), { code: 'ETIMEDOUT' })), options.timeout ?? 10_000)
  try {
    await once(socket, options.tls === undefined ? 'connect' : 'secureConnect')
  } catch (error) {
    socket.destroy()
    throw new GantryError('Unavailable', `dial ${network}: ${reason(error)}`, { cause: error })
  } finally {
    clearTimeout(timer)
  }
  return connection(socket, options.writeTimeout ?? 0)
}

/** In Go's words. */
function reason(error: unknown): string {
  const { code, message } = error as NodeJS.ErrnoException
  const known: Record<string, string> = {
    ECONNREFUSED: 'connect: connection refused', ENOENT: 'connect: no such file or directory', ETIMEDOUT: 'i/o timeout',
    EHOSTUNREACH: 'connect: no route to host', ENETUNREACH: 'connect: network is unreachable', EACCES: 'connect: permission denied', ENOTFOUND: 'lookup: no such host',
  }
  return known[code ?? ''] ?? message
}

/** `writeTimeout` milliseconds for each write; 0: any time. A stream that is too slow is broken. */
function connection(socket: Socket, writeTimeout: number): StreamConnection {
  let broken: Error | undefined
  let brokenAt = Number.POSITIVE_INFINITY
  let received: Buffer[] = []
  let wake: (() => void) | undefined
  const end = (error: Error): void => {
    brokenAt = Math.min(brokenAt, Date.now())
    broken ??= error
    wake?.()
  }
  socket.on('error', end)
  socket.on('close', () => end(new Error('the connection was closed')))
  socket.on('end', () => end(new Error('the receiver closed the connection')))
  socket.on('data', (chunk: Buffer) => {
    received.push(chunk)
    // Who never reads need not remember.
    if (received.length > 1024) received = []
    wake?.()
  })
  return {
    get broken() {
      return broken
    },
    get brokenAt() {
      return brokenAt
    },
    write: (bytes) =>
      new Promise((resolve, reject) => {
        if (broken !== undefined) return reject(broken)
        let late: Error | undefined
        const giveUp = (): void => {
          late = new Error('i/o timeout')
          socket.destroy(late)
        }
        const timer = writeTimeout > 0 ? setTimeout(giveUp, writeTimeout) : undefined
        socket.write(bytes, (error) => {
          clearTimeout(timer)
          if (error) reject(late ?? error)
          else resolve()
        })
      }),
    async read() {
      while (received.length === 0) {
        if (broken !== undefined) throw broken
        await new Promise<void>((resolve) => {
          wake = resolve
        })
      }
      return received.shift() as Buffer
    },
    close: () => {
      socket.end()
      socket.unref()
      setTimeout(() => socket.destroy(), 2000).unref()
    },
  }
}
