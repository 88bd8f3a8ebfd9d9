import { get as plainGet } from 'node:http'
import type { IncomingMessage } from 'node:http'
import { get as tlsGet } from 'node:https'
import { GantryError } from '../../lib/errors.ts'

const mostRedirects = 10

/** GET that follows redirects and takes bodies as they are stored: no coding of the transfer is asked for. @throws Unavailable */
export async function httpGet(address: string, { headers, signal }: { headers: Readonly<Record<string, string>>; signal: AbortSignal }): Promise<IncomingMessage> {
  let at = address
  for (let redirects = 0; redirects <= mostRedirects; redirects++) {
    const response = await once(at, { headers, signal })
    const { location } = response.headers
    if (![301, 302, 303, 307, 308].includes(response.statusCode ?? 0) || location === undefined) return response
    response.resume()
    const next = URL.parse(location, at)
    if (next === null) throw new GantryError('InvalidParameter', `Get ${JSON.stringify(at)}: failed to parse Location header ${JSON.stringify(location)}`)
    if (next.protocol !== 'http:' && next.protocol !== 'https:') throw new GantryError('InvalidParameter', `Get ${JSON.stringify(next.href)}: unsupported protocol scheme ${JSON.stringify(next.protocol.slice(0, -1))}`)
    at = next.href
  }
  throw new GantryError('InvalidParameter', `Get ${JSON.stringify(address)}: stopped after ${mostRedirects} redirects`)
}

function once(address: string, { headers, signal }: { headers: Readonly<Record<string, string>>; signal: AbortSignal }): Promise<IncomingMessage> {
  const url = new URL(address)
  const { username, password } = url
  const auth = username === '' ? {} : { auth: `${decodeURIComponent(username)}:${decodeURIComponent(password)}` }
  const get = url.protocol === 'https:' ? tlsGet : plainGet
  return new Promise((resolve, reject) => {
    const request = get(url, { headers: { 'user-agent': 'gantry', 'accept-encoding': 'identity', ...headers }, signal, ...auth }, resolve)
    request.on('error', (cause) => {
      url.password = ''
      reject(signal.aborted ? signal.reason as Error : new GantryError('Unavailable', `Get ${JSON.stringify(url.href)}: ${cause.message}`, { cause }))
    })
  })
}
