import { readFileSync } from 'node:fs'
import { isIP } from 'node:net'
import { hostname } from 'node:os'
import { type ConnectionOptions, rootCertificates } from 'node:tls'
import type { Kernel } from '../../kernel/kernel.ts'
import { GantryError } from '../../lib/errors.ts'
import type { LogMessage, LogOptions, LogSender, RemoteDriver } from '../contract.ts'
import { logTag } from '../tag.ts'
import { openUnixDatagrams } from '../wire/datagrams.ts'
import { datagramSender, streamSender } from '../wire/send-each.ts'
import { openStream } from '../wire/stream-connection.ts'
import { openUdp } from '../wire/udp.ts'
import { formatSyslog } from './format.ts'
import { checkSyslog, facility, syslogAddress, syslogFormat } from './options.ts'

const ownSockets = ['/dev/log', '/var/run/syslog', '/var/run/log']

/** A syslog server: the host's own, or one by UDP, TCP, TLS or a unix socket. */
export const syslog: RemoteDriver = {
  name: 'syslog',
  check: checkSyslog,
  async open(source, kernel) {
    const { options } = source
    checkSyslog(options)
    const format = syslogFormat(options)
    const header = { format, facility: facility(options), tag: logTag(source), hostname: hostname(), pid: process.pid }
    const plain = (message: LogMessage): Buffer => formatSyslog(header, message)
    const address = syslogAddress(options)
    if (address === undefined) return openOwn(kernel, plain)
    if (address.scheme === 'udp') return datagramSender(await openUdp(address), (message) => [plain(message)])
    if (address.scheme === 'unixgram') return datagramSender(openUnixDatagrams(kernel, address.path), (message) => [plain(message)])
    if (address.scheme === 'unix') return openUnix(kernel, address.path, plain)
    const isSecure = address.scheme !== 'tcp'
    const stream = await openStream({ ...address, scheme: 'tcp' }, isSecure ? { tls: secure(options, address.host) } : {})
    // RFC 5425 section 4.3 counts octets, and only Docker's RFC 5424 over TLS does so.
    const counted = isSecure && format.startsWith('rfc5424')
    return streamSender(stream, counted ? (message) => count(plain(message)) : plain)
  },
}

function openOwn(kernel: Pick<Kernel, 'syscall'>, encode: (message: LogMessage) => Buffer): LogSender {
  for (const path of ownSockets) {
    try {
      return datagramSender(openUnixDatagrams(kernel, path), (message) => [encode(message)])
    } catch {
      // the next one
    }
  }
  throw new GantryError('Unavailable', 'Unix syslog delivery error')
}

/** A socket file does not say of which kind it is: a stream as with Go's "unix", else datagrams. */
async function openUnix(kernel: Pick<Kernel, 'syscall'>, path: string, encode: (message: LogMessage) => Buffer): Promise<LogSender> {
  try {
    return streamSender(await openStream({ scheme: 'unix', host: '', port: 0, path }), encode)
  } catch (error) {
    if ((error as { cause?: { code?: string } }).cause?.code !== 'EPROTOTYPE') throw error
    return datagramSender(openUnixDatagrams(kernel, path), (message) => [encode(message)])
  }
}

function count(message: Buffer): Buffer {
  return Buffer.concat([Buffer.from(`${message.length} `), message])
}

function secure(options: LogOptions, host: string): ConnectionOptions {
  const file = (name: string, words: string): Buffer | undefined => {
    const path = options[name]
    if (path === undefined || path === '') return undefined
    try {
      return readFileSync(path)
    } catch (error) {
      throw new GantryError('InvalidParameter', `${words} "${path}": ${(error as NodeJS.ErrnoException).code === 'ENOENT' ? `open ${path}: no such file or directory` : String(error)}`)
    }
  }
  const ca = file('syslog-tls-ca-cert', 'could not read CA certificate')
  return {
    ...(isIP(host) === 0 ? { servername: host } : {}),
    ca: ca === undefined ? [...rootCertificates] : [...rootCertificates, ca.toString()],
    cert: file('syslog-tls-cert', 'could not load X509 key pair'),
    key: file('syslog-tls-key', 'could not load X509 key pair'),
    rejectUnauthorized: options['syslog-tls-skip-verify'] === undefined,
  }
}

