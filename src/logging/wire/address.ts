import { invalid } from '../option-values.ts'

/** "udp://host:port", "unix:///path". */
export interface Address {
  scheme: string
  host: string
  port: number
  path: string
}

const transports = new Set(['tcp', 'tcp+tls', 'tls', 'udp', 'unix', 'unixgram'])

/** Whether it names one of the transports that Docker knows. */
export function isTransport(address: string): boolean {
  return transports.has(/^([a-z+]+):\/\//.exec(address)?.[1] ?? '')
}

/** @throws InvalidParameter in the words of Go's net package; a missing port is undefined */
export function splitHostPort(text: string): { host: string; port: string | undefined } {
  const [, bracketed, plain, port] = /^(?:\[([^\]]*)\]|([^:]*))(?::(.*))?$/.exec(text) ?? []
  const host = bracketed ?? plain
  if (host === undefined) throw invalid(`address ${text}: too many colons in address`)
  return { host, port }
}

/** @throws InvalidParameter */
export function parseAddress(text: string): Address {
  const [, scheme = '', rest = ''] = /^([a-z+]+):\/\/(.*)$/.exec(text) ?? []
  if (scheme === 'unix' || scheme === 'unixgram') return { scheme, host: '', port: 0, path: rest }
  const { host, port } = splitHostPort(rest.replace(/\/.*$/, ''))
  if (port !== undefined && !/^\d+$/.test(port)) throw invalid(`parse ${JSON.stringify(text)}: invalid port ${JSON.stringify(`:${port}`)} after host`)
  return { scheme, host, port: port === undefined ? -1 : Number(port), path: '' }
}
