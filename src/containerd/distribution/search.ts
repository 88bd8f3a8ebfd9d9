import { GantryError } from '../../lib/errors.ts'
import type { SearchRequest, SearchResult } from './contract.ts'
import { HttpExchange, readBody } from './http-exchange.ts'
import { NetworkError } from './network-error.ts'
import { registryError } from './registry-error.ts'
import { defaultDomain, endpointsOf, type Endpoint } from './registry-settings.ts'
import type { DistributionRoom } from './room.ts'
import { trustFor } from './trust.ts'

const indexHost = 'index.docker.io'
const largestAnswer = 4 << 20

/** Docker's registry API v1 "Search". Registries of today seldom have it. */
export async function search({ settings, userAgent }: DistributionRoom, request: SearchRequest): Promise<SearchResult[]> {
  const { host, term } = splitTerm(request.term)
  let failure: unknown
  for (const endpoint of await endpointsOf(settings, host, { mirrors: false })) {
    const trust = endpoint.scheme === 'https' && !endpoint.insecure ? trustFor(endpoint, settings.certificates) : undefined
    const http = new HttpExchange({ trust, insecure: endpoint.insecure, userAgent, proxies: settings.proxies })
    try {
      return await ask(http, endpoint, { ...request, term })
    } catch (error) {
      if (!(error instanceof NetworkError)) throw error
      failure = error
    } finally {
      http.close()
    }
  }
  throw failure
}

async function ask(http: HttpExchange, endpoint: Endpoint, { term, limit, credentials }: SearchRequest): Promise<SearchResult[]> {
  const url = new URL(`${endpoint.scheme}://${endpoint.host}${endpoint.prefix}/v1/search`)
  url.searchParams.set('q', term)
  url.searchParams.set('n', String(limit))
  const { username, password } = credentials
  const headers: Record<string, string> = username ? { Authorization: `Basic ${Buffer.from(`${username}:${password ?? ''}`).toString('base64')}` } : {}
  const answer = await http.send({ method: 'GET', url, headers })
  if (answer.status === 404) {
    answer.body.resume()
    throw new GantryError('NotFound', `cannot search registry ${endpoint.host}: it has no search (${url.pathname} answered 404)`)
  }
  if (answer.status >= 400) throw await registryError(answer)
  return resultsOf(await readBody(answer, largestAnswer), endpoint.host)
}

function resultsOf(bytes: Buffer, host: string): SearchResult[] {
  try {
    const { results } = JSON.parse(bytes.toString('utf8')) as { results?: Partial<SearchResult>[] | null }
    return (results ?? []).map((each) => ({
      star_count: each.star_count ?? 0,
      is_official: each.is_official ?? false,
      name: each.name ?? '',
      is_automated: each.is_automated ?? false,
      description: each.description ?? '',
    }))
  } catch (error) {
    throw new GantryError('System', `cannot search registry ${host}: its answer is no list of results`, { cause: error })
  }
}

/** "registry.example:5000/busybox" is searched there, "user/busybox" at Docker's. */
function splitTerm(text: string): { host: string; term: string } {
  if (text.includes('://')) throw new GantryError('InvalidParameter', `invalid repository name: repository name (${text}) should not have a scheme`)
  const slash = text.indexOf('/')
  const first = slash < 0 ? '' : text.slice(0, slash)
  const isHost = /[.:]/.test(first) || first === 'localhost'
  if (!isHost || first === defaultDomain || first === indexHost) return { host: indexHost, term: (isHost ? text.slice(slash + 1) : text).replace(/^library\//, '') }
  return { host: first, term: text.slice(slash + 1) }
}
