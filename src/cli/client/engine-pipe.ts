import { getSystemErrorName } from 'node:util'

/** What a connection has to be able to do for requests and answers; a Socket of node:net is more than one. */
export interface EngineSocket {
  readonly destroyed: boolean
  on(event: 'readable' | 'end' | 'close' | 'error' | 'drain', listener: (error: Error) => void): unknown
  removeAllListeners(event: 'readable'): unknown
  read(): unknown
  /** @returns false when there is reason to wait for `drain` */
  write(bytes: string | Uint8Array): boolean
  destroy(): unknown
}

/**
 * A connection to a unix socket by what node:net itself is made of: loading node:net takes as long as all the rest of a short command.
 * `process.binding` is deprecated in documents only, and no part of it is promised: `openPipe` answers undefined where one is missing,
 * and the caller takes node:net.
 */
export function openPipe(path: string): Promise<EngineSocket> | undefined {
  const parts = bindings()
  return parts && EnginePipe.open(parts, path)
}

/** Received and not read yet: more than this stops reading until it is. */
const enough = 1 << 20
const endOfFile = -4095

class EnginePipe implements EngineSocket {
  destroyed = false
  readonly #parts: Bindings
  readonly #handle: Handle
  readonly #listeners = new Map<string, ((error: Error) => void)[]>()
  #received: Buffer[] = []
  #size = 0
  #stopped = false

  private constructor(parts: Bindings, handle: Handle) {
    this.#parts = parts
    this.#handle = handle
    handle.onread = (buffer) => this.#onRead(buffer)
    handle.readStart()
  }

  static open(parts: Bindings, path: string): Promise<EngineSocket> {
    const handle = new parts.pipe.Pipe(parts.pipe.constants.SOCKET)
    const request = new parts.pipe.PipeConnectWrap()
    return new Promise((resolve, reject) => {
      const settle = (status: number): void => {
        if (status === 0) resolve(new EnginePipe(parts, handle))
        else reject(failure('connect', status, path))
      }
      request.oncomplete = settle
      const status = handle.connect(request, path)
      if (status) settle(status)
    })
  }

  on(event: string, listener: (error: Error) => void): void {
    this.#listeners.set(event, [...(this.#listeners.get(event) ?? []), listener])
  }

  removeAllListeners(event: string): void {
    this.#listeners.delete(event)
  }

  read(): Buffer | null {
    const [first = null, ...others] = this.#received
    if (first === null) return null
    const bytes = others.length === 0 ? first : Buffer.concat(this.#received)
    this.#received = []
    this.#size = 0
    if (this.#stopped && !this.destroyed) {
      this.#stopped = false
      this.#handle.readStart()
    }
    return bytes
  }

  /** libuv keeps what the kernel does not take at once; there is little of it, as bodies that are streams go by node:net. */
  write(bytes: string | Uint8Array): boolean {
    if (this.destroyed) return true
    const request = new this.#parts.stream.WriteWrap()
    const settle = (status: number): void => {
      if (status < 0 && !this.destroyed) this.#fail(failure('write', status))
    }
    request.oncomplete = settle
    const status = typeof bytes === 'string' ? this.#handle.writeUtf8String(request, bytes) : this.#handle.writeBuffer(request, bytes)
    if (status) settle(status)
    return true
  }

  destroy(): void {
    if (this.destroyed) return
    this.destroyed = true
    this.#handle.close(() => this.#emit('close'))
  }

  #onRead(buffer: ArrayBuffer | undefined): void {
    const { streamBaseState, kReadBytesOrError, kArrayBufferOffset } = this.#parts.stream
    const count = streamBaseState[kReadBytesOrError] ?? endOfFile
    if (count > 0 && buffer !== undefined) {
      this.#received.push(Buffer.from(buffer, streamBaseState[kArrayBufferOffset], count))
      this.#size += count
      if (this.#size > enough) {
        this.#stopped = true
        this.#handle.readStop()
      }
      this.#emit('readable')
    } else if (count === endOfFile) this.#emit('end')
    else if (count < 0) this.#fail(failure('read', count))
  }

  #fail(error: Error): void {
    this.#emit('error', error)
    this.destroy()
  }

  #emit(event: string, error = new Error(event)): void {
    for (const listener of this.#listeners.get(event) ?? []) listener(error)
  }
}

function failure(syscall: string, status: number, address?: string): Error {
  const code = getSystemErrorName(status)
  return Object.assign(new Error(`${syscall} ${code}${address === undefined ? '' : ` ${address}`}`), { code, errno: status, syscall })
}

interface Request {
  oncomplete?: (status: number) => void
}

interface Handle {
  onread?: (buffer: ArrayBuffer | undefined) => void
  connect(request: Request, path: string): number | undefined
  readStart(): void
  readStop(): void
  writeUtf8String(request: Request, text: string): number
  writeBuffer(request: Request, bytes: Uint8Array): number
  close(closed: () => void): void
}

interface Bindings {
  pipe: { Pipe: new (kind: number) => Handle; PipeConnectWrap: new () => Request; constants: { SOCKET: number } }
  stream: { WriteWrap: new () => Request; streamBaseState: Int32Array; kReadBytesOrError: number; kArrayBufferOffset: number }
}

function bindings(): Bindings | undefined {
  const { binding } = process as unknown as { binding?: (name: string) => Record<string, unknown> }
  try {
    const [pipe, stream] = [binding?.call(process, 'pipe_wrap'), binding?.call(process, 'stream_wrap')]
    const isWhole = typeof pipe?.['Pipe'] === 'function' && typeof pipe['PipeConnectWrap'] === 'function' && typeof stream?.['WriteWrap'] === 'function'
    if (!isWhole || stream['streamBaseState'] === undefined || typeof stream['kReadBytesOrError'] !== 'number' || typeof stream['kArrayBufferOffset'] !== 'number') return undefined
    // All of it was looked at just now, but the handle's methods, which came with it in every version that has these.
    return { pipe, stream } as unknown as Bindings
  } catch {
    return undefined
  }
}
