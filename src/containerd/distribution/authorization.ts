import { GantryError } from '../../lib/errors.ts'
import type { Challenge } from './challenge.ts'
import type { Credentials } from './contract.ts'
import { readBody, type HttpAnswer, type HttpExchange, type HttpRequest } from './http-exchange.ts'
import { NetworkError } from './network-error.ts'
import { RegistryError, registryError } from './registry-error.ts'

/** "repository:library/busybox:pull" */
export type Scope = string

/** For a registry that wants a name and password. */
export const noCredentials = 'no basic auth credentials'
const clientId = 'gantry'
const largestToken = 1 << 20
/** Seconds: what a token lives for that says nothing about it, and how long before its end it is not used any more. */
const shortestLife = 60
const margin = 5

interface Token {
  text: string
  /** Milliseconds since the epoch. */
  until: number
}

/**
 * Answers a registry's challenges: basic authentication, or bearer tokens from a token server, by Docker's token
 * specification ("Docker Registry v2 Bearer token specification", and its OAuth2 form for identity tokens).
 */
export class Authorization {
  readonly #http: HttpExchange
  readonly #credentials: Credentials
  readonly #isSecure: boolean
  readonly #tokens = new Map<string, Token>()
  #challenges: Challenge[] = []
  /** Given by a token server that was asked for one. */
  identityToken = ''

  constructor(http: HttpExchange, credentials: Credentials, options: { isSecure: boolean }) {
    this.#http = http
    this.#credentials = credentials
    this.#isSecure = options.isSecure
  }

  /** Takes the challenges of a 401. @returns whether there is another answer to it than the last one */
  challenge(challenges: Challenge[]): boolean {
    this.#challenges = challenges
    const bearer = challenges.find(({ scheme }) => scheme === 'bearer')
    const had = this.#tokens.size > 0
    this.#tokens.clear()
    return (bearer !== undefined && had) || challenges.length > 0
  }

  /** The Authorization header for a request that needs `scopes`; none for a registry that asks for nothing. */
  async header(request: Pick<HttpRequest, 'method' | 'url' | 'signal'>, scopes: readonly Scope[], options: { offline?: boolean } = {}): Promise<string | undefined> {
    const { registrytoken, username, password } = this.#credentials
    const bearer = this.#challenges.find(({ scheme }) => scheme === 'bearer')
    if (bearer !== undefined) return `Bearer ${registrytoken || (await this.#token(bearer, scopes, { ...options, signal: request.signal }))}`
    if (!this.#challenges.some(({ scheme }) => scheme === 'basic')) return undefined
    if (!username && !password) throw new NetworkError(request, new Error(noCredentials))
    return basic(username, password)
  }

  async #token(challenge: Challenge, scopes: readonly Scope[], options: { offline?: boolean; signal?: AbortSignal }): Promise<string> {
    const wanted = [...new Set([...scopes, ...(scopes.length === 0 && challenge.parameters['scope'] ? challenge.parameters['scope'].split(' ') : [])])].toSorted()
    const key = wanted.join(' ')
    const known = this.#tokens.get(key)
    if (known !== undefined && known.until > Date.now()) return known.text
    const realm = this.#realm(challenge)
    const answer = await this.#ask(realm, { service: challenge.parameters['service'] ?? '', scopes: wanted, ...options })
    const token = await this.#read(answer)
    this.#tokens.set(key, token)
    return token.text
  }

  #realm(challenge: Challenge): URL {
    const realm = URL.parse(challenge.parameters['realm'] ?? '')
    if (realm === null) throw new GantryError('System', 'cannot log in: the registry names no token server')
    if (this.#isSecure && realm.protocol !== 'https:') throw new GantryError('System', `cannot log in: the token server ${realm.host} does not use HTTPS`)
    return realm
  }

  async #ask(realm: URL, question: { service: string; scopes: readonly Scope[]; offline?: boolean; signal?: AbortSignal }): Promise<HttpAnswer> {
    const { identitytoken, username, password } = this.#credentials
    const { service, scopes, offline, signal } = question
    if (identitytoken) {
      const form = new URLSearchParams({ grant_type: 'refresh_token', refresh_token: identitytoken, service, client_id: clientId, scope: scopes.join(' ') })
      const headers = { 'Content-Type': 'application/x-www-form-urlencoded' }
      return await this.#http.send({ method: 'POST', url: realm, headers, body: Buffer.from(form.toString()), signal })
    }
    const url = new URL(realm)
    if (service !== '') url.searchParams.set('service', service)
    for (const scope of scopes) url.searchParams.append('scope', scope)
    if (offline) for (const [name, value] of [['offline_token', 'true'], ['client_id', clientId]] as const) url.searchParams.set(name, value)
    if (username) url.searchParams.set('account', username)
    return await this.#http.send({ method: 'GET', url, headers: username ? { Authorization: basic(username, password) } : {}, signal })
  }

  async #read(answer: HttpAnswer): Promise<Token> {
    if (answer.status >= 400) throw prefixed(answer, await registryError(answer))
    const document = parse(await readBody(answer, largestToken))
    const text = document['token'] || document['access_token']
    if (typeof text !== 'string') throw new GantryError('System', `cannot log in: the token server ${answer.request.url.host} gave no token`)
    if (typeof document['refresh_token'] === 'string') this.identityToken = document['refresh_token']
    const life = Math.max(shortestLife, Number(document['expires_in'] ?? 0) || 0)
    return { text, until: Date.now() + (life - margin) * 1000 }
  }
}

function prefixed({ request }: HttpAnswer, error: RegistryError): RegistryError {
  const { code, status, retryAfter } = error
  return new RegistryError(`${request.method === 'GET' ? 'Get' : 'Post'} "${request.url.origin}${request.url.pathname}": ${error.message}`, { code, status, retryAfter })
}

function parse(bytes: Buffer): Record<string, unknown> {
  try {
    return (JSON.parse(bytes.toString('utf8')) ?? {}) as Record<string, unknown>
  } catch (error) {
    throw new GantryError('System', 'cannot log in: the token server gave no JSON', { cause: error })
  }
}

function basic(username = '', password = ''): string {
  return `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`
}
