import { Agent as HttpAgent, request as httpRequest, type ClientRequest, type IncomingHttpHeaders, type IncomingMessage } from 'node:http'
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https'
import type { SecureContext } from 'node:tls'
import { GantryError } from '../../lib/errors.ts'
import { NetworkError } from './network-error.ts'
import { proxyFor, type ProxySettings } from './proxy-settings.ts'

export interface HttpRequest {
  method: string
  url: URL
  headers?: Record<string, string | number>
  /** Pieces are used up before the next is asked for. */
  body?: Buffer | (() => AsyncIterable<Uint8Array>)
  signal?: AbortSignal
}

export interface HttpAnswer {
  status: number
  headers: IncomingHttpHeaders
  /** Has to be read or destroyed. */
  body: IncomingMessage
  request: Pick<HttpRequest, 'method' | 'url'>
}

/** Milliseconds without a byte either way. */
const silence = 60_000
const mostRedirects = 10

export interface ExchangeOptions {
  trust?: SecureContext
  insecure: boolean
  userAgent: string
  proxies: ProxySettings
}

/** HTTP to one registry and wherever it redirects to, over connections that are kept until `close`. */
export class HttpExchange {
  /** By scheme, and the proxy that is used. */
  readonly #agents = new Map<string, HttpAgent>()
  readonly #options: ExchangeOptions

  constructor(options: ExchangeOptions) {
    this.#options = options
  }

  close(): void {
    for (const agent of this.#agents.values()) agent.destroy()
  }

  /** One request; GET and HEAD follow redirects, and take credentials to the first host only. @throws NetworkError */
  async send(request: HttpRequest): Promise<HttpAnswer> {
    let { url } = request
    let headers = request.headers ?? {}
    for (let hops = 0; ; hops++) {
      const answer = await this.#sendOnce({ ...request, url, headers })
      const { location } = answer.headers
      const moved = [301, 302, 303, 307, 308].includes(answer.status) && location !== undefined
      if (!moved || (request.method !== 'GET' && request.method !== 'HEAD')) return answer
      answer.body.resume()
      if (hops === mostRedirects) throw new GantryError('System', `cannot follow ${url.host}: stopped after ${mostRedirects} redirects`)
      const next = new URL(location, url)
      if (url.protocol === 'https:' && next.protocol !== 'https:') {
        throw new GantryError('System', `cannot follow ${url.host}: it redirects from HTTPS to ${next.protocol}//${next.host}`)
      }
      if (next.host !== url.host) headers = Object.fromEntries(Object.entries(headers).filter(([name]) => name.toLowerCase() !== 'authorization'))
      url = next
    }
  }

  async #sendOnce(request: HttpRequest): Promise<HttpAnswer> {
    try {
      return await this.#start(request)
    } catch (error) {
      if (request.signal?.aborted) throw new GantryError('System', 'context canceled', { cause: error })
      // A connection that was kept may have been closed by the other side in this very moment.
      if (error instanceof ReusedSocketError && typeof request.body !== 'function') return await this.#sendOnce(request)
      throw new NetworkError(request, error instanceof ReusedSocketError ? error.cause : error)
    }
  }

  #agentFor(url: URL): HttpAgent {
    const proxy = proxyFor(url, this.#options.proxies)
    const key = `${url.protocol} ${proxy}`
    const agent = this.#agents.get(key) ?? makeAgent(url, proxy, this.#options)
    this.#agents.set(key, agent)
    return agent
  }

  #start({ method, url, headers, body, signal }: HttpRequest): Promise<HttpAnswer> {
    const isSecure = url.protocol === 'https:'
    const options = {
      method,
      agent: this.#agentFor(url),
      headers: { 'User-Agent': this.#options.userAgent, ...headers, ...(Buffer.isBuffer(body) && { 'Content-Length': body.length }) },
      signal,
      timeout: silence,
    }
    return new Promise((resolve, reject) => {
      const call = (isSecure ? httpsRequest : httpRequest)(url, options)
      call.on('timeout', () => call.destroy(Object.assign(new Error('i/o timeout'), { code: 'ETIMEDOUT' })))
      call.on('error', (error: NodeJS.ErrnoException) => {
        const stale = call.reusedSocket && error.code === 'ECONNRESET'
        reject(stale ? new ReusedSocketError(error) : error)
      })
      call.on('response', (response) => resolve({ status: response.statusCode ?? 0, headers: response.headers, body: response, request: { method, url } }))
      sendBody(call, body)
    })
  }
}

function makeAgent(url: URL, proxy: string | undefined, { trust, insecure }: ExchangeOptions): HttpAgent {
  const proxyEnv = proxy === undefined ? undefined : { HTTP_PROXY: proxy, HTTPS_PROXY: proxy }
  if (url.protocol !== 'https:') return new HttpAgent({ keepAlive: true, proxyEnv })
  return new HttpsAgent({ keepAlive: true, secureContext: trust, rejectUnauthorized: !insecure, proxyEnv })
}

/** A registry may answer before it has read everything; its answer counts, so a failure to send is for 'error' to tell. */
function sendBody(call: ClientRequest, body: HttpRequest['body']): void {
  if (typeof body !== 'function') call.end(body)
  else void sendPieces(call, body()).catch((error: Error) => call.destroy(error))
}

/** Each piece is on its way before the next is asked for: it is only lent. */
async function sendPieces(call: ClientRequest, pieces: AsyncIterable<Uint8Array>): Promise<void> {
  const closed = new Promise<never>((_, reject) => call.once('close', () => reject(new Error('the connection is closed'))))
  closed.catch(() => undefined)
  for await (const piece of pieces) {
    const sent = new Promise<void>((resolve, reject) => call.write(piece, (error) => (error ? reject(error) : resolve())))
    await Promise.race([sent, closed])
  }
  call.end()
}

class ReusedSocketError extends Error {
  constructor(cause: Error) {
    super(cause.message, { cause })
  }
}

/** @throws System when it is longer than `limit` bytes, NetworkError when it breaks off */
export async function readBody(answer: HttpAnswer, limit: number): Promise<Buffer> {
  const chunks: Buffer[] = []
  let size = 0
  try {
    for await (const chunk of answer.body as AsyncIterable<Buffer>) {
      size += chunk.length
      if (size > limit) throw new GantryError('System', `cannot read the answer of ${answer.request.url.host}: it is longer than ${limit} bytes`)
      chunks.push(chunk)
    }
  } catch (error) {
    throw error instanceof GantryError ? error : new NetworkError(answer.request, error)
  }
  return Buffer.concat(chunks, size)
}
