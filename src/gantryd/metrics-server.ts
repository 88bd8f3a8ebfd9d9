import { createServer } from 'node:http'
import { isIP } from 'node:net'
import { metricContentType } from '../engine/metrics/metric-text.ts'
import { GantryError, messageOf } from '../lib/errors.ts'

export interface MetricsAddress {
  address: string
  port: number
}

/** "HOST:PORT" of --metrics-addr. An empty host is every address, as with dockerd. @throws InvalidParameter */
export function parseMetricsAddress(text: string): MetricsAddress {
  const [, bracketed, plain, port = ''] = /^(?:\[([0-9a-fA-F:.]+)\]|([^:[\]]*)):(\d{1,5})$/.exec(text) ?? []
  const address = bracketed ?? plain ?? ''
  if (port === '' || Number(port) > 65_535) throw invalid(text, 'an address and a port are needed')
  if (address !== '' && address !== 'localhost' && isIP(address) === 0) throw invalid(text, 'the address must be an IP address or localhost')
  return { address: address === '' ? '::' : address, port: Number(port) }
}

/**
 * Serves GET /metrics. It is plain HTTP and open to whoever reaches the address: what is told are counts and facts of the host, and
 * nothing can be changed through it, so that, as with dockerd, it may leave loopback.
 */
export async function serveMetrics({ address, port }: MetricsAddress, text: () => Promise<string>): Promise<{ close: () => void }> {
  const server = createServer((request, response) => {
    const { pathname } = new URL(request.url ?? '/', 'http://engine')
    if (pathname !== '/metrics') {
      response.writeHead(404, { 'Content-Type': 'text/plain; charset=utf-8' }).end('404 page not found\n')
      return
    }
    text().then(
      (body) => response.writeHead(200, { 'Content-Type': metricContentType }).end(request.method === 'HEAD' ? undefined : body),
      (error: unknown) => response.writeHead(500).end(`${messageOf(error)}\n`),
    )
  })
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error) => reject(new GantryError('System', `cannot serve metrics on ${address}:${port}: ${messageOf(error)}`, { cause: error })))
    server.listen({ host: address, port }, resolve)
  })
  return {
    close() {
      server.close()
      server.closeAllConnections()
    },
  }
}

function invalid(text: string, reason: string): GantryError {
  return new GantryError('InvalidParameter', `invalid metrics-addr (${text}): ${reason}`)
}
