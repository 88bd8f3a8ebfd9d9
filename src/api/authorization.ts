import type { IncomingMessage } from 'node:http'
import { Readable } from 'node:stream'
import { TLSSocket } from 'node:tls'
import { GantryError, messageOf } from '../lib/errors.ts'
import { mediaTypeOf } from './body.ts'
import { encodeJson } from './reply.ts'

/** Who is asked about requests: Docker's authorization plugins (docs.docker.com/engine/extend/plugins_authorization). */
export interface AuthorizationPlugin {
  readonly name: string
  /** @throws NotFound for a plugin that is not there or of another kind */
  require(kind: string): Promise<void>
  /** One call, with the plugin's answer. @throws when it does not answer, or with its own complaint */
  call(method: string, body: Record<string, unknown>): Promise<Record<string, unknown>>
}

export interface Authorization {
  /** The request's body, from its beginning. */
  body: Readable
  /** Shows an answer to the plugins before the client gets it. @throws Forbidden */
  review: (status: number, document?: unknown) => Promise<void>
}

export const authorizationKind = 'authz'

/**
 * Bytes of a document. Docker's shows none of a longer one, or of one whose length is not told, which lets it pass unseen
 * (CVE-2024-41110, CVE-2026-34040); here it is refused, and read whole however it is sent.
 */
const maxBodyBytes = 1024 * 1024
const secretHeaders = new Set(['authorization', 'x-registry-config', 'x-registry-auth'])

/**
 * Asks each plugin in turn whether a request may pass; one that fails to answer is a no.
 * @throws Forbidden with Docker's text; System for a plugin that fails
 */
export async function authorize(plugins: readonly AuthorizationPlugin[], request: IncomingMessage, body: Readable): Promise<Authorization> {
  const uri = canonical(request.url ?? '/')
  // Passwords of registries are nobody else's.
  const isSecret = (uri.split('?', 1)[0] ?? '').endsWith('/auth')
  const bytes = !isSecret && mediaTypeOf(request.headers) === 'application/json' ? await readWhole(body) : undefined
  const asked = {
    ...caller(request),
    RequestMethod: request.method,
    RequestUri: uri,
    ...(bytes !== undefined && bytes.length > 0 && { RequestBody: bytes.toString('base64') }),
    RequestHeaders: shownHeaders(request.headers),
  }
  await ask(plugins, 'AuthZPlugin.AuthZReq', asked)
  return {
    body: bytes === undefined ? body : Readable.from(bytes.length > 0 ? [bytes] : []),
    review: (status, document) =>
      ask(plugins, 'AuthZPlugin.AuthZRes', {
        ...asked,
        ResponseStatusCode: status,
        ...(document !== undefined && { ResponseHeaders: { 'Content-Type': 'application/json' } }),
        ...(document !== undefined && !isSecret && { ResponseBody: Buffer.from(encodeJson(document)).toString('base64') }),
      }),
  }
}

async function ask(plugins: readonly AuthorizationPlugin[], method: string, question: Record<string, unknown>): Promise<void> {
  for (const plugin of plugins) {
    let answer: Record<string, unknown>
    try {
      await plugin.require(authorizationKind)
      answer = await plugin.call(method, question)
    } catch (error) {
      throw new GantryError('System', `plugin ${plugin.name} failed with error: ${messageOf(error)}`, { cause: error })
    }
    if (answer['Allow'] !== true) throw new GantryError('Forbidden', `authorization denied by plugin ${plugin.name}: ${typeof answer['Msg'] === 'string' ? answer['Msg'] : ''}`)
  }
}

/** Known by a certificate, or not at all. */
function caller({ socket }: IncomingMessage): Record<string, unknown> {
  if (!(socket instanceof TLSSocket) || !socket.authorized) return {}
  const certificate = socket.getPeerX509Certificate()
  if (certificate === undefined) return {}
  const name = socket.getPeerCertificate().subject.CN
  return { User: Array.isArray(name) ? name[0] : name, UserAuthNMethod: 'TLS', RequestPeerCertificates: [Buffer.from(certificate.toString()).toString('base64')] }
}

/** One spelling for each address, so that `/containers/cre%61te` is what it is to the router (RFC 3986, section 6.2.2.2). */
function canonical(url: string): string {
  return url.replaceAll(/%[0-9a-f]{2}/gi, (escaped) => {
    const character = String.fromCharCode(Number.parseInt(escaped.slice(1), 16))
    return /[\w.~-]/.test(character) ? character : escaped.toUpperCase()
  })
}

function shownHeaders(headers: IncomingMessage['headers']): Record<string, string> {
  const shown = Object.entries(headers).filter(([name]) => name !== 'host' && !secretHeaders.has(name))
  return Object.fromEntries(shown.map(([name, value]) => [goName(name), Array.isArray(value) ? (value.at(-1) ?? '') : (value ?? '')]))
}

/** "content-type" is "Content-Type" to Go, and so to plugins. */
function goName(name: string): string {
  return name.replaceAll(/(^|-)[a-z]/g, (match) => match.toUpperCase())
}

async function readWhole(body: Readable): Promise<Buffer> {
  const chunks: Buffer[] = []
  let size = 0
  for await (const chunk of body as AsyncIterable<Buffer>) {
    size += chunk.length
    if (size > maxBodyBytes) throw new GantryError('Forbidden', `authorization denied: the request's body has more than ${maxBodyBytes} bytes, so that no plugin can judge it`)
    chunks.push(chunk)
  }
  return Buffer.concat(chunks, size)
}
