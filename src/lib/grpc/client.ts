import { connect } from 'node:http2'
import type { ClientHttp2Session, ClientHttp2Stream, IncomingHttpHeaders } from 'node:http2'
import type { Duplex } from 'node:stream'
import type { Message } from '../protobuf/message.ts'
import { readFrames, writeFrame } from './frames.ts'
import type { Metadata } from './server.ts'
import { errorOfTrailers, GrpcError, grpcCode } from './status.ts'

export interface MethodTypes<Request, Response> {
  request: Message<Request>
  response: Message<Response>
}

/** A call whose two sides are streams. */
export interface GrpcStream<Request, Response> {
  /** False when the peer takes no more. */
  send(request: Partial<Request>): Promise<boolean>
  /** No more requests follow. */
  end(): void
  /** Ends with the call; throws GrpcError when the call failed. */
  responses: AsyncGenerator<Response, void, undefined>
  cancel(): void
}

export interface CallOptions {
  metadata?: Metadata
  signal?: AbortSignal
}

const windowBytes = 4 * 1024 * 1024
/** RFC 9113 section 7, CANCEL. */
const cancelled = 8

/** The calling side of an HTTP/2 connection without TLS over any duplex. */
export class GrpcClient {
  readonly #session: ClientHttp2Session
  readonly closed: Promise<void>

  constructor(connection: Duplex) {
    this.#session = connect('http://localhost', { createConnection: () => connection, settings: { enablePush: false, initialWindowSize: windowBytes } })
    this.#session.on('connect', () => this.#session.setLocalWindowSize(windowBytes))
    this.#session.on('error', () => this.#session.destroy())
    connection.on('error', () => this.#session.destroy())
    connection.once('end', () => this.#session.destroy())
    this.closed = new Promise((resolve) => {
      this.#session.once('close', resolve)
      connection.once('close', resolve)
    })
  }

  async call<Request, Response>(path: string, types: MethodTypes<Request, Response>, request: Partial<Request>, options: CallOptions = {}): Promise<Response> {
    const stream = this.stream(path, types, options)
    await stream.send(request)
    stream.end()
    let answer: Response | undefined
    for await (const response of stream.responses) answer ??= response
    if (answer === undefined) throw new GrpcError(grpcCode.internal, 'the call has no response')
    return answer
  }

  stream<Request, Response>(path: string, types: MethodTypes<Request, Response>, { metadata = {}, signal }: CallOptions = {}): GrpcStream<Request, Response> {
    if (this.#session.destroyed || this.#session.closed) throw disconnected()
    const stream = this.#session.request(
      { ':method': 'POST', ':path': path, ':scheme': 'http', 'content-type': 'application/grpc', te: 'trailers', 'user-agent': 'grpc-gantry', ...metadata },
      { endStream: false },
    )
    const cancel = (): void => stream.close(cancelled)
    signal?.addEventListener('abort', cancel, { once: true })
    stream.once('close', () => signal?.removeEventListener('abort', cancel))
    if (signal?.aborted === true) cancel()
    return {
      send: (request) => writeFrame(stream, types.request.encode(request)),
      end: () => stream.end(),
      responses: receive(stream, types.response),
      cancel,
    }
  }

  close(): void {
    this.#session.destroy()
  }
}

/** Listens at once: headers and trailers may come before anyone reads. */
function receive<T>(stream: ClientHttp2Stream, type: Message<T>): AsyncGenerator<T, void, undefined> {
  let headers: IncomingHttpHeaders | undefined
  let trailers: IncomingHttpHeaders | undefined
  let failure: Error | undefined
  stream.on('response', (received) => (headers = received))
  stream.on('trailers', (received) => (trailers = received))
  stream.on('error', (error: Error) => (failure = error))
  const closed = new Promise<void>((resolve) => stream.once('close', resolve))
  return (async function* () {
    try {
      for await (const frame of readFrames(stream)) yield type.decode(frame)
    } catch (error) {
      if (error instanceof GrpcError) throw error
      failure ??= error as Error
    } finally {
      if (!stream.readableEnded) stream.close(cancelled)
    }
    // With its status the call is over, whatever was still to be sent.
    if (!stream.writableEnded) stream.end()
    await closed
    if (headers?.[':status'] !== undefined && Number(headers[':status']) !== 200) throw new GrpcError(grpcCode.unknown, `unexpected HTTP status code ${String(headers[':status'])}`)
    const status = trailers ?? (headers?.['grpc-status'] === undefined ? undefined : headers)
    if (status === undefined) throw stream.rstCode === cancelled ? new GrpcError(grpcCode.canceled, 'context canceled', { cause: failure }) : disconnected()
    const error = errorOfTrailers(status)
    if (error !== undefined) throw error
  })()
}

function disconnected(): GrpcError {
  return new GrpcError(grpcCode.unavailable, 'the connection was closed')
}
