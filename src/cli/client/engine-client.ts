import type { Socket } from 'node:net'
import { ExitError } from '../exit-error.ts'
import { apiVersion, programName, version } from '../program.ts'
import { EngineError, unreachable } from './engine-error.ts'
import type { EngineAddress } from './host.ts'
import { HttpConnection, type HttpRequest, type HttpResponse } from './http-connection.ts'

export type Query = Record<string, string | number | boolean | undefined | string[]>

export type RequestOptions = {
  query?: Query
  headers?: Record<string, string>
  /** Sent as JSON. */
  json?: unknown
  /** Sent as is, as application/x-tar. */
  stream?: AsyncIterable<Buffer>
  /** For paths outside the versioned Engine API. */
  unversioned?: boolean
}

/** A connection on which the engine has stopped speaking HTTP; half of it can be closed. */
export type Hijacked = { socket: Socket; head: Buffer }

/** Speaks the Engine API over one address; agrees on a version before the first call. */
export class EngineClient {
  readonly address: EngineAddress
  readonly #pinned: string | undefined
  readonly #connections = new Set<HttpConnection>()
  #negotiated: Promise<string> | undefined

  constructor(address: EngineAddress, env: NodeJS.ProcessEnv) {
    this.address = address
    this.#pinned = env['DOCKER_API_VERSION'] || undefined
  }

  /** The API version in use: ours, or the engine's if that is older. */
  version(): Promise<string> {
    if (this.#pinned) return Promise.resolve(this.#pinned)
    this.#negotiated ??= this.#negotiate()
    return this.#negotiated
  }

  async json<T>(method: string, path: string, options: RequestOptions = {}): Promise<T> {
    return JSON.parse(await this.text(method, path, options)) as T
  }

  async text(method: string, path: string, options: RequestOptions = {}): Promise<string> {
    const response = await this.open(method, path, options)
    return readAll(response.body)
  }

  /** The response with its body unread; a status of 400 and above throws EngineError. */
  async open(method: string, path: string, options: RequestOptions = {}): Promise<HttpResponse> {
    const prefix = options.unversioned ? '' : `/v${await this.version()}`
    const response = await this.#send(method, prefix + path, options)
    if (response.status >= 400) throw await EngineError.from(response)
    return response
  }

  /** Upgrades a connection of its own, for attach and exec, and for protocols other than "tcp". */
  async hijack(path: string, options: { query?: Query; json?: unknown; protocol?: string; headers?: HttpRequest['headers'] } = {}): Promise<Hijacked> {
    const { protocol = 'tcp' } = options
    const target = `/v${await this.version()}${path}${queryText(options.query)}`
    const headers = { ...this.#headers(), ...options.headers, connection: 'Upgrade', upgrade: protocol }
    const connection = await this.#connect(() => HttpConnection.openSocket(this.address))
    const response = await this.#exchange(connection, { method: 'POST', path: target, headers, ...jsonBody(options.json, headers) })
    if (response.status >= 400) throw await EngineError.from(response)
    if (response.status !== 101) throw new ExitError(`unable to upgrade to ${protocol}, received ${response.status}`)
    this.#connections.delete(connection)
    return { socket: connection.socket, head: connection.release() }
  }

  close(): void {
    for (const { socket } of this.#connections) socket.destroy()
  }

  #send(method: string, path: string, options: RequestOptions): Promise<HttpResponse> {
    const headers: Record<string, string | number> = { ...this.#headers(), ...options.headers }
    if (options.stream) headers['content-type'] = 'application/x-tar'
    const body = options.stream ? { body: options.stream } : jsonBody(options.json, headers)
    const request = { method, path: path + queryText(options.query), headers, ...body }
    if (options.stream) return this.#connect(() => HttpConnection.openSocket(this.address)).then((connection) => this.#exchange(connection, request))
    const idle = [...this.#connections].find((connection) => connection.reusable)
    if (idle) return this.#exchange(idle, request)
    return this.#connect(() => HttpConnection.open(this.address)).then((connection) => this.#exchange(connection, request))
  }

  async #connect<C extends HttpConnection>(open: () => Promise<C>): Promise<C> {
    try {
      const connection = await open()
      this.#connections.add(connection)
      return connection
    } catch (cause) {
      throw unreachable(this.address, cause as Error)
    }
  }

  async #exchange(connection: HttpConnection, request: HttpRequest): Promise<HttpResponse> {
    try {
      return await connection.exchange(request)
    } catch (cause) {
      throw unreachable(this.address, cause as Error)
    }
  }

  #headers(): Record<string, string> {
    const { address } = this
    const host = 'port' in address ? `${address.host}:${address.port}` : 'api.moby.localhost'
    return { host, 'user-agent': `${programName}/${version}` }
  }

  async #negotiate(): Promise<string> {
    const response = await this.#send('HEAD', '/_ping', {})
    return olderVersion(response.headers['api-version'] ?? '1.24', apiVersion)
  }
}

/** The older of two "1.NN" versions. */
export function olderVersion(left: string, right: string): string {
  const [leftMajor = 0, leftMinor = 0] = left.split('.').map(Number)
  const [rightMajor = 0, rightMinor = 0] = right.split('.').map(Number)
  return leftMajor < rightMajor || (leftMajor === rightMajor && leftMinor < rightMinor) ? left : right
}

export async function readAll(body: AsyncIterable<Buffer>): Promise<string> {
  const chunks: Buffer[] = []
  for await (const chunk of body) chunks.push(chunk)
  return Buffer.concat(chunks).toString()
}

function jsonBody(json: unknown, headers: HttpRequest['headers']): { body?: string } {
  if (json === undefined) return {}
  headers['content-type'] = 'application/json'
  return { body: JSON.stringify(json) }
}

function queryText(query: Query | undefined): string {
  const search = new URLSearchParams()
  for (const [name, value] of Object.entries(query ?? {})) {
    if (value === undefined || value === '') continue
    if (Array.isArray(value)) for (const entry of value) search.append(name, entry)
    else search.append(name, value === true ? '1' : value === false ? '0' : String(value))
  }
  const text = search.toString()
  return text && `?${text}`
}
