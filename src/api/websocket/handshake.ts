import { createHash } from 'node:crypto'
import type { IncomingHttpHeaders } from 'node:http'
import { GantryError } from '../../lib/errors.ts'

/** RFC 6455, section 1.3. */
const magic = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11'

/**
 * The head of the answer that opens a WebSocket (RFC 6455, section 4.2). Of the protocols that a client offers the first is taken, if
 * it offers any; there is no difference between them here.
 * @throws InvalidParameter for a request that does not ask for one
 */
export function acceptWebSocket(headers: IncomingHttpHeaders): string {
  const key = headers['sec-websocket-key'] ?? ''
  const wants = headers.upgrade?.toLowerCase() === 'websocket' && headers.connection?.toLowerCase().includes('upgrade') === true
  if (!wants) throw new GantryError('InvalidParameter', 'not websocket protocol')
  if (headers['sec-websocket-version'] !== '13') throw new GantryError('InvalidParameter', 'missing or bad WebSocket Version')
  if (Buffer.from(key, 'base64').length !== 16) throw new GantryError('InvalidParameter', 'mismatch challenge/response')
  const protocol = headers['sec-websocket-protocol']?.split(',')[0]?.trim()
  const lines = [
    'HTTP/1.1 101 Switching Protocols',
    'Upgrade: websocket',
    'Connection: Upgrade',
    `Sec-WebSocket-Accept: ${createHash('sha1').update(key + magic).digest('base64')}`,
    ...(protocol === undefined || protocol === '' ? [] : [`Sec-WebSocket-Protocol: ${protocol}`]),
  ]
  return `${lines.join('\r\n')}\r\n\r\n`
}
