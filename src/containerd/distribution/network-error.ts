import type { AddressInfo } from 'node:net'
import { GantryError, messageOf } from '../../lib/errors.ts'

/** No answer came, or only part of it. The text is what Go's net/http says, for clients know that. */
export class NetworkError extends GantryError {
  /** Node's or OpenSSL's code. */
  readonly code: string
  /** The text without the request. */
  readonly reason: string

  constructor(request: { method: string; url: URL }, cause: unknown) {
    super('System', `${titleCase(request.method)} "${shownUrl(request.url)}": ${reasonOf(cause, request.url)}`, { cause })
    this.code = codeOf(cause)
    this.reason = reasonOf(cause, request.url)
  }

  /** The other side does not speak TLS. */
  get isPlainHttp(): boolean {
    return isPlainHttp(this.cause)
  }

  /** May it be otherwise in a moment? */
  get isPassing(): boolean {
    return ['ECONNRESET', 'ETIMEDOUT', 'EPIPE', 'EAI_AGAIN', 'ERR_STREAM_PREMATURE_CLOSE', 'ENETUNREACH', 'EHOSTUNREACH'].includes(this.code)
  }
}

/** Without what may be secret in it: signed URLs of blobs carry their permission in the query. */
export function shownUrl(url: URL): string {
  return `${url.protocol}//${url.host}${url.pathname}${url.searchParams.has('scope') || url.pathname === '/v1/search' ? url.search : ''}`
}

const untrusted = new Set([
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE', 'SELF_SIGNED_CERT_IN_CHAIN', 'DEPTH_ZERO_SELF_SIGNED_CERT', 'UNABLE_TO_GET_ISSUER_CERT',
  'UNABLE_TO_GET_ISSUER_CERT_LOCALLY', 'CERT_UNTRUSTED', 'CERT_SIGNATURE_FAILURE', 'INVALID_CA',
])

function reasonOf(cause: unknown, url: URL): string {
  const code = codeOf(cause)
  if (untrusted.has(code)) return 'tls: failed to verify certificate: x509: certificate signed by unknown authority'
  if (code === 'CERT_HAS_EXPIRED' || code === 'CERT_NOT_YET_VALID') return 'tls: failed to verify certificate: x509: certificate has expired or is not yet valid'
  if (code === 'ERR_TLS_CERT_ALTNAME_INVALID') return `tls: failed to verify certificate: x509: ${nameMismatch(cause, url)}`
  if (isPlainHttp(cause)) return 'http: server gave HTTP response to HTTPS client'
  const words: Record<string, string> = {
    ECONNREFUSED: `dial tcp ${addressOf(cause, url)}: connect: connection refused`,
    EHOSTUNREACH: `dial tcp ${addressOf(cause, url)}: connect: no route to host`,
    ENETUNREACH: `dial tcp ${addressOf(cause, url)}: connect: network is unreachable`,
    ETIMEDOUT: `dial tcp ${addressOf(cause, url)}: i/o timeout`,
    ENOTFOUND: `dial tcp: lookup ${url.hostname}: no such host`,
    EAI_AGAIN: `dial tcp: lookup ${url.hostname}: Temporary failure in name resolution`,
    ECONNRESET: 'read: connection reset by peer',
    EPIPE: 'write: broken pipe',
    HPE_INVALID_CONSTANT: 'net/http: HTTP/1.x transport connection broken: malformed HTTP response',
    ABORT_ERR: 'context canceled',
  }
  return words[code] ?? messageOf(cause)
}

function codeOf(cause: unknown): string {
  const code = (cause as { code?: unknown } | undefined)?.code
  return typeof code === 'string' ? code : ''
}

function isPlainHttp(cause: unknown): boolean {
  return codeOf(cause) === 'EPROTO' || /wrong version number|packet length too long|http request/i.test(messageOf(cause))
}

/** A name with several addresses fails with one error for each. */
function addressOf(cause: unknown, url: URL): string {
  const one = (cause instanceof AggregateError ? cause.errors.at(-1) : cause) as Partial<AddressInfo> | undefined
  const host = one?.address ?? url.hostname.replaceAll(/[[\]]/g, '')
  const port = one?.port ?? (url.port || (url.protocol === 'https:' ? 443 : 80))
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`
}

function nameMismatch(cause: unknown, url: URL): string {
  const names = (cause as { cert?: { subjectaltname?: string } }).cert?.subjectaltname?.replaceAll(/(DNS|IP Address):/g, '') ?? ''
  const host = url.hostname.replaceAll(/[[\]]/g, '')
  return names === '' ? `cannot validate certificate for ${host} because it doesn't contain any IP SANs` : `certificate is valid for ${names}, not ${host}`
}

function titleCase(method: string): string {
  return method.charAt(0) + method.slice(1).toLowerCase()
}
