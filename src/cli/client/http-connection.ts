import { once } from 'node:events'
import type { Socket } from 'node:net'
import { connectForRequests, connectTo } from './connect.ts'
import type { EngineSocket } from './engine-pipe.ts'
import type { EngineAddress } from './host.ts'

/** A response whose body is still on the wire. */
export type HttpResponse = {
  status: number
  reason: string
  /** Names in lower case. */
  headers: Record<string, string>
  body: AsyncIterable<Buffer>
}

export type HttpRequest = {
  method: string
  path: string
  /** A list goes as several lines of one name. */
  headers: Record<string, string | number | string[]>
  body?: string | AsyncIterable<Buffer>
}

/**
 * HTTP/1.1 (RFC 9112) on one connection, one request at a time; just what the Engine API needs. Own code because loading
 * node:http takes longer than most commands.
 */
export class HttpConnection<S extends EngineSocket = EngineSocket> {
  readonly socket: S
  /** True when another request may follow. */
  reusable = false
  #buffered: Buffer = Buffer.alloc(0)
  #ended = false
  #failure: Error | undefined
  #wake: () => void = () => {}

  private constructor(socket: S) {
    this.socket = socket
    const wake = () => this.#wake()
    socket.on('readable', wake)
    socket.on('end', () => {
      this.#ended = true
      wake()
    })
    socket.on('close', () => {
      this.#ended = true
      this.reusable = false
      wake()
    })
    socket.on('error', (error) => {
      this.#failure = error
      wake()
    })
  }

  static async open(address: EngineAddress): Promise<HttpConnection> {
    return new HttpConnection(await connectForRequests(address))
  }

  /** One that can be taken over, and that takes bodies of any size. */
  static async openSocket(address: EngineAddress): Promise<HttpConnection<Socket>> {
    return new HttpConnection(await connectTo(address))
  }

  /** Sends a request; answers when the response's head is there. */
  async exchange(request: HttpRequest): Promise<HttpResponse> {
    this.reusable = false
    this.#writeHead(request)
    // The engine may answer, and hang up, before it has read the whole body: its answer counts.
    if (request.body !== undefined) void this.#writeBody(request.body).catch((error: Error) => (this.#failure ??= error))
    const head = await this.#readHead()
    const bodyless = request.method === 'HEAD' || head.status === 204 || head.status === 304
    if (bodyless) this.reusable = head.headers['connection'] !== 'close'
    return { ...head, body: head.status === 101 || bodyless ? emptyBody() : this.#readBody(head.headers) }
  }

  /** After 101: the bytes that came with the head. The socket is the caller's from here on. */
  release(): Buffer {
    this.socket.removeAllListeners('readable')
    return this.#buffered
  }

  #writeHead(request: HttpRequest): void {
    const headers: HttpRequest['headers'] = { ...request.headers }
    if (typeof request.body === 'string') headers['content-length'] = Buffer.byteLength(request.body)
    else if (request.body) headers['transfer-encoding'] = 'chunked'
    else if (request.method === 'POST') headers['content-length'] = 0
    const lines = Object.entries(headers).flatMap(([name, value]) => [value].flat().map((each) => `${name}: ${each}`))
    this.socket.write(`${request.method} ${request.path} HTTP/1.1\r\n${lines.join('\r\n')}\r\n\r\n`)
  }

  async #writeBody(body: string | AsyncIterable<Buffer>): Promise<void> {
    if (typeof body === 'string') {
      this.socket.write(body)
      return
    }
    for await (const chunk of body) {
      if (chunk.length === 0) continue
      if (this.socket.destroyed) return
      this.socket.write(`${chunk.length.toString(16)}\r\n`)
      this.socket.write(chunk)
      if (!this.socket.write('\r\n')) await once(this.socket as unknown as Socket, 'drain') // which such a body has
    }
    this.socket.write('0\r\n\r\n')
  }

  /** More bytes into the buffer; false at the end of the stream. */
  async #fill(): Promise<boolean> {
    for (;;) {
      const chunk = this.socket.read() as Buffer | null
      if (chunk !== null) {
        this.#buffered = this.#buffered.length === 0 ? chunk : Buffer.concat([this.#buffered, chunk])
        return true
      }
      if (this.#ended) return false
      if (this.#failure) throw this.#failure
      await new Promise<void>((resolve) => {
        this.#wake = resolve
      })
    }
  }

  async #take(count: number): Promise<Buffer> {
    while (this.#buffered.length < count) if (!(await this.#fill())) throw this.#failure ?? new Error('unexpected EOF')
    const taken = this.#buffered.subarray(0, count)
    this.#buffered = this.#buffered.subarray(count)
    return taken
  }

  async #takeLine(): Promise<string> {
    let end: number
    while ((end = this.#buffered.indexOf('\r\n')) < 0) if (!(await this.#fill())) throw this.#failure ?? new Error('unexpected EOF')
    return (await this.#take(end + 2)).subarray(0, end).toString('latin1')
  }

  async #readHead(): Promise<Omit<HttpResponse, 'body'>> {
    const first = await this.#takeLine()
    const match = /^HTTP\/1\.[01] (\d{3}) ?(.*)$/.exec(first)
    if (!match) throw new Error(`malformed HTTP response ${JSON.stringify(first)}`)
    const headers: Record<string, string> = {}
    for (;;) {
      const line = await this.#takeLine()
      if (line === '') break
      const colon = line.indexOf(':')
      headers[line.slice(0, colon).toLowerCase()] = line.slice(colon + 1).trim()
    }
    if (match[1] === '100') return this.#readHead()
    return { status: Number(match[1]), reason: match[2]!, headers }
  }

  async *#readBody(headers: Record<string, string>): AsyncGenerator<Buffer> {
    let complete = false
    try {
      const length = headers['content-length']
      if (headers['transfer-encoding']?.toLowerCase().includes('chunked')) yield* this.#readChunks()
      else if (length !== undefined) yield* this.#readCounted(Number(length))
      else {
        do if (this.#buffered.length > 0) yield await this.#take(this.#buffered.length)
        while (await this.#fill())
      }
      complete = length !== undefined || headers['transfer-encoding'] !== undefined
    } finally {
      // A body left unread makes the connection useless.
      if (complete && headers['connection'] !== 'close') this.reusable = !this.socket.destroyed
      else this.socket.destroy()
    }
  }

  async *#readCounted(length: number): AsyncGenerator<Buffer> {
    for (let left = length; left > 0; ) {
      if (this.#buffered.length === 0 && !(await this.#fill())) throw this.#failure ?? new Error('unexpected EOF')
      const part = await this.#take(Math.min(left, this.#buffered.length))
      left -= part.length
      yield part
    }
  }

  async *#readChunks(): AsyncGenerator<Buffer> {
    for (;;) {
      const size = Number.parseInt(await this.#takeLine(), 16)
      if (Number.isNaN(size)) throw new Error('malformed chunked encoding')
      if (size > 0) yield* this.#readCounted(size)
      // After the last chunk come trailers, which nobody here sends, and an empty line.
      while ((await this.#takeLine()) !== '') if (size > 0) throw new Error('malformed chunked encoding')
      if (size === 0) return
    }
  }
}

async function* emptyBody(): AsyncGenerator<Buffer> {
  // Nothing follows the head.
}
