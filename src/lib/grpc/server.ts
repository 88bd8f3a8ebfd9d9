import { performServerHandshake } from 'node:http2'
import type { IncomingHttpHeaders, ServerHttp2Session, ServerHttp2Stream } from 'node:http2'
import type { Duplex } from 'node:stream'
import type { Message } from '../protobuf/message.ts'
import { readFrames, writeFrame } from './frames.ts'
import { GrpcError, grpcCode, statusTrailers, toGrpcError } from './status.ts'

/** One method of a service. Unary sides are streams of one message. */
export interface GrpcMethod<Request, Response> {
  request: Message<Request>
  response: Message<Response>
  handle(call: GrpcCall<Request>): AsyncIterable<Partial<Response>> | Promise<Partial<Response>>
}

export interface GrpcCall<Request> {
  requests: AsyncIterableIterator<Request>
  /** The first request. @throws GrpcError when there is none */
  request(): Promise<Request>
  metadata: Metadata
  /** Aborts when the peer cancels or leaves. */
  signal: AbortSignal
}

/** Lower-case names; a name may have several values. */
export type Metadata = Record<string, string[]>

/** By path: "/moby.buildkit.v1.Control/Solve". */
// oxlint-disable-next-line typescript/no-explicit-any -- methods of every type
export type GrpcServices = Record<string, GrpcMethod<any, any>>

export function grpcMethod<Request, Response>(method: GrpcMethod<Request, Response>): GrpcMethod<Request, Response> {
  return method
}

/** Bytes that a peer may send before it is read; the standard 64 KiB make the transfer of files slow. */
const windowBytes = 4 * 1024 * 1024

/** Speaks HTTP/2 without TLS on `connection` and answers calls. The services live as long as the connection. */
export function serveGrpc(connection: Duplex, services: GrpcServices): ServerHttp2Session {
  const session = performServerHandshake(connection, { settings: { initialWindowSize: windowBytes, maxConcurrentStreams: 1000 } })
  session.setLocalWindowSize(windowBytes)
  session.on('error', () => session.destroy())
  connection.on('error', () => session.destroy())
  // Sockets of an HTTP/1 server may stay half open: a peer that is gone is noticed by the end of what it sends.
  connection.once('end', () => session.destroy())
  session.on('stream', (stream: ServerHttp2Stream, headers: IncomingHttpHeaders, _flags: number, raw: string[]) => {
    void serveCall(stream, { path: String(headers[':path']), metadata: metadataOf(raw) }, services)
  })
  return session
}

async function serveCall(stream: ServerHttp2Stream, { path, metadata }: { path: string; metadata: Metadata }, services: GrpcServices): Promise<void> {
  const controller = new AbortController()
  let failure: GrpcError | undefined
  stream.on('error', () => {})
  stream.on('close', () => controller.abort(new GrpcError(grpcCode.canceled, 'context canceled')))
  stream.on('wantTrailers', () => stream.sendTrailers(statusTrailers(failure)))
  stream.respond({ ':status': 200, 'content-type': 'application/grpc' }, { waitForTrailers: true })
  try {
    const method = Object.hasOwn(services, path) ? services[path] : undefined
    if (method === undefined) throw unknownMethod(path)
    const requests = decodeAll(stream, method.request)
    const call: GrpcCall<unknown> = { requests, request: () => first(requests), metadata, signal: controller.signal }
    const answer = method.handle(call)
    if (Symbol.asyncIterator in answer) {
      for await (const response of answer) if (!(await writeFrame(stream, method.response.encode(response as object)))) break
    } else {
      await writeFrame(stream, method.response.encode((await answer) as object))
    }
  } catch (error) {
    failure = toGrpcError(error)
  }
  if (!stream.destroyed) stream.end()
}

function unknownMethod(path: string): GrpcError {
  const [, service = '', method = ''] = path.split('/')
  return new GrpcError(grpcCode.unimplemented, `unknown method ${method} for service ${service}`)
}

async function* decodeAll<T>(stream: Duplex, type: Message<T>): AsyncGenerator<T, void, undefined> {
  for await (const frame of readFrames(stream.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>)) yield type.decode(frame)
}

async function first<T>(requests: AsyncIterableIterator<T>): Promise<T> {
  const { value, done } = await requests.next()
  if (done === true) throw new GrpcError(grpcCode.internal, 'the call has no request')
  return value
}

/** From pairs of names and values as they came: node:http2 joins what was sent several times. */
export function metadataOf(raw: readonly string[]): Metadata {
  const metadata = Object.create(null) as Metadata
  for (let at = 0; at + 1 < raw.length; at += 2) {
    const name = raw[at]!
    if (!name.startsWith(':')) (metadata[name] ??= []).push(raw[at + 1]!)
  }
  return metadata
}
