import { GantryError } from '../../lib/errors.ts'
import { Authorization, type Scope } from './authorization.ts'
import { parseChallenges } from './challenge.ts'
import type { Credentials } from './contract.ts'
import { HttpExchange, type HttpAnswer, type HttpRequest } from './http-exchange.ts'
import { NetworkError } from './network-error.ts'
import { endpointsOf, type Endpoint, type RegistrySettings } from './registry-settings.ts'
import { trustFor } from './trust.ts'

export interface RegistryRequest extends HttpRequest {
  /** What a token must allow. */
  scopes?: readonly Scope[]
}

export interface ConnectOptions {
  settings: RegistrySettings
  credentials: Credentials
  userAgent: string
  signal?: AbortSignal
}

/** A registry that has answered. */
export class Registry {
  readonly endpoint: Endpoint
  readonly authorization: Authorization
  readonly #http: HttpExchange

  private constructor(endpoint: Endpoint, http: HttpExchange, authorization: Authorization) {
    this.endpoint = endpoint
    this.#http = http
    this.authorization = authorization
  }

  /** Asks for the base of the API, which tells how to log in: distribution-spec "Determining Support". @throws NetworkError */
  static async connect(endpoint: Endpoint, options: ConnectOptions): Promise<Registry> {
    const isSecure = endpoint.scheme === 'https' && !endpoint.insecure
    const trust = isSecure ? trustFor(endpoint, options.settings.certificates) : undefined
    const http = new HttpExchange({ trust, insecure: endpoint.insecure, userAgent: options.userAgent, proxies: options.settings.proxies })
    // A mirror is somebody else than the registry that the user has logged in to.
    const credentials = endpoint.mirror ? {} : options.credentials
    const registry = new Registry(endpoint, http, new Authorization(http, credentials, { isSecure }))
    try {
      const answer = await http.send({ method: 'GET', url: registry.url(''), signal: options.signal })
      answer.body.resume()
      if (answer.status === 401) registry.authorization.challenge(parseChallenges(answer.headers['www-authenticate']))
      return registry
    } catch (error) {
      http.close()
      throw error
    }
  }

  /** `path` follows "/v2/". */
  url(path: string): URL {
    const { scheme, host, prefix } = this.endpoint
    const text = `${scheme}://${host}${prefix}/v2/${path}`
    if (!URL.canParse(text)) throw new GantryError('InvalidParameter', `cannot ask registry ${JSON.stringify(host)}: it is no host`)
    return new URL(text)
  }

  /** Whatever the answer is; a 401 is tried once more with what it asks for. */
  async send(request: RegistryRequest): Promise<HttpAnswer> {
    for (let isSecond = false; ; isSecond = true) {
      const answer = await this.#http.send({ ...request, headers: { ...request.headers, ...(await this.#authorized(request)) } })
      if (answer.status !== 401 || isSecond || typeof request.body === 'function') return answer
      if (!this.authorization.challenge(parseChallenges(answer.headers['www-authenticate']))) return answer
      answer.body.resume()
    }
  }

  close(): void {
    this.#http.close()
  }

  /** Uploads may be continued at another host, which gives its permission in the URL. */
  async #authorized(request: RegistryRequest): Promise<Record<string, string>> {
    if (request.url.host !== this.url('').host) return {}
    const header = await this.authorization.header(request, request.scopes ?? [])
    return header === undefined ? {} : { Authorization: header }
  }
}

/**
 * Does something at the first endpoint of `domain` that can do it. An insecure registry that does not speak TLS is asked in
 * plain HTTP; after a mirror that fails, however it does, comes the registry itself.
 */
export async function atRegistry<Result>(
  domain: string,
  options: ConnectOptions & { mirrors: boolean },
  act: (registry: Registry) => Promise<Result>,
): Promise<Result> {
  const endpoints = await endpointsOf(options.settings, domain, options)
  let failure: unknown
  for (const endpoint of endpoints) {
    let registry: Registry
    try {
      registry = await Registry.connect(endpoint, options)
    } catch (error) {
      if (!(error instanceof NetworkError) || options.signal?.aborted) throw error
      failure = error
      continue
    }
    try {
      return await act(registry)
    } catch (error) {
      if (!endpoint.mirror || options.signal?.aborted) throw error
      failure = error
    } finally {
      registry.close()
    }
  }
  throw failure
}
