import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Duplex, Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import type { AttachSession, Engine } from '../engine/engine.ts'
import { readJson } from './body.ts'
import type { Decoder } from './decode.ts'
import { Query } from './query.ts'
import { encodeJson, sendEmpty, sendError, sendJson } from './reply.ts'
import type { WebSocketSession } from './websocket/join.ts'

export interface CallParts {
  engine: Engine
  request: IncomingMessage
  /** The request's body; on an upgraded connection it is not in `request`. */
  body: Readable
  response: ServerResponse
  params: Record<string, string>
  query: string
  minor: number
  hijack: (session: AttachSession, call: Call) => void
  switchProtocols: (protocol: string) => Duplex
  webSocket: (join: WebSocketSession) => void
  /** Shows an answer to who must agree to it, where there is somebody. @throws Forbidden */
  review?: (status: number, document?: unknown) => Promise<void>
}

/** One request on its way to the engine and back. */
export class Call {
  readonly engine: Engine
  /** Named parts of the path, decoded. */
  readonly params: Record<string, string>
  readonly query: Query
  /** Minor version of the API that the client speaks: 43 for 1.43. */
  readonly minor: number
  readonly request: IncomingMessage
  readonly response: ServerResponse
  readonly body: Readable
  readonly #hijack: CallParts['hijack']
  readonly #switchProtocols: CallParts['switchProtocols']
  readonly #webSocket: CallParts['webSocket']
  readonly #review: CallParts['review']
  #reviewed = false

  constructor(parts: CallParts) {
    this.engine = parts.engine
    this.params = parts.params
    this.query = new Query(parts.query)
    this.minor = parts.minor
    this.request = parts.request
    this.response = parts.response
    this.body = parts.body
    this.#hijack = parts.hijack
    this.#switchProtocols = parts.switchProtocols
    this.#webSocket = parts.webSocket
    this.#review = parts.review
  }

  /** The path part `name`, the thing that the call is about. */
  get ref(): string {
    return this.params['name'] ?? ''
  }

  readJson<T>(decoder: Decoder<T>, options: { required?: boolean } = {}): Promise<T> {
    return readJson({ headers: this.request.headers, stream: this.body }, decoder, options.required)
  }

  /** Answers with a document. */
  json(value: unknown, status = 200): void {
    this.#answer(() => sendJson(this.response, status, value), status, value)
  }

  /** Answers without a body. */
  empty(status = 204): void {
    this.#answer(() => sendEmpty(this.response, status), status)
  }

  /** Whether the answer was shown to who must agree to it. Streams cannot be, before they are over. */
  get reviewed(): boolean {
    return this.#reviewed
  }

  #answer(send: () => void, status: number, document?: unknown): void {
    this.#reviewed = true
    if (this.#review === undefined) send()
    else void this.#review(status, document).then(send, (error: unknown) => sendError(this.response, error))
  }

  /** Sends status and headers now; documents or bytes follow. */
  begin(contentType: string): void {
    this.response.writeHead(200, { 'Content-Type': contentType })
    this.response.flushHeaders()
  }

  /** Writes one document of a stream; settles when the client keeps up. */
  async write(document: unknown): Promise<void> {
    await this.writeText(encodeJson(document))
  }

  async writeText(text: string): Promise<void> {
    const { response } = this
    if (response.destroyed || response.write(text)) return
    await new Promise<void>((resolve) => {
      const settle = (): void => {
        response.off('drain', settle)
        response.off('close', settle)
        resolve()
      }
      response.on('drain', settle)
      response.on('close', settle)
    })
  }

  /** Answers with a stream of bytes at the client's pace; the source is destroyed when the client leaves. */
  async stream(contentType: string, source: Readable): Promise<void> {
    this.begin(contentType)
    try {
      await pipeline(source, this.response)
    } catch (error) {
      if (!this.response.destroyed) throw error
    }
  }

  /** Turns the connection into a duplex of bytes. */
  hijack(session: AttachSession): void {
    this.#hijack(session, this)
  }

  /** Hands the connection over to another protocol; from then on HTTP has nothing to do with it. */
  switchProtocols(protocol: string): Duplex {
    return this.#switchProtocols(protocol)
  }

  /** Opens a WebSocket on the connection and joins it to a session. @throws InvalidParameter when the request does not ask for one */
  webSocket(join: WebSocketSession): void {
    this.#webSocket(join)
  }

  /** Aborts when the client leaves. */
  signal(): AbortSignal {
    const controller = new AbortController()
    this.response.on('close', () => controller.abort())
    return controller.signal
  }
}
