import { GantryError, type ErrorKind } from '../../lib/errors.ts'
import { readBody, type HttpAnswer } from './http-exchange.ts'

/** A registry's refusal. `code` is the first of its errors, such as MANIFEST_UNKNOWN; empty when it gave none. */
export class RegistryError extends GantryError {
  readonly code: string
  readonly status: number
  /** Seconds after which to try again, if the registry said so. */
  readonly retryAfter: number | undefined

  constructor(message: string, details: { code: string; status: number; retryAfter?: number }) {
    super(kindOfStatus(details.status), message)
    this.code = details.code
    this.status = details.status
    this.retryAfter = details.retryAfter
  }

  get isPassing(): boolean {
    return this.status >= 500 || this.status === 429 || this.status === 408
  }
}

interface Item {
  code: string
  message: string
}

/** Reads an answer of 400 and above: distribution-spec "Error Codes". */
export async function registryError(answer: HttpAnswer): Promise<RegistryError> {
  const { status, headers } = answer
  const text = (await readBody(answer, 1 << 20).catch(() => Buffer.alloc(0))).toString('utf8')
  const items = itemsOf(text)
  const retryAfter = secondsOf(headers['retry-after'])
  if (items.length === 0) items.push(...wordsFor(status, text))
  if (items.length === 0) return new RegistryError(`received unexpected HTTP status: ${status} ${answer.body.statusMessage ?? ''}`.trimEnd(), { code: '', status, retryAfter })
  const [first] = items
  const shown = items.map(({ code, message }) => `${code.toLowerCase().replaceAll('_', ' ')}: ${message}`)
  const message = shown.length === 1 ? shown[0]! : `errors:\n${shown.join('\n')}\n`
  return new RegistryError(status === 429 ? message + rateLimitHint(headers, retryAfter) : message, { code: first!.code, status, retryAfter })
}

function itemsOf(text: string): Item[] {
  let document: unknown
  try {
    document = JSON.parse(text)
  } catch {
    return []
  }
  const { errors } = (document ?? {}) as { errors?: unknown }
  if (!Array.isArray(errors)) return []
  return errors.flatMap((each: unknown) => {
    const { code, message } = (each ?? {}) as Record<string, unknown>
    return typeof code === 'string' ? [{ code, message: typeof message === 'string' && message !== '' ? message : code.toLowerCase() }] : []
  })
}

/** What a status means that came without an error document. */
function wordsFor(status: number, text: string): Item[] {
  if (status === 401) return [{ code: 'UNAUTHORIZED', message: 'authentication required' }]
  if (status === 403) return [{ code: 'DENIED', message: 'requested access to the resource is denied' }]
  if (status === 429) return [{ code: 'TOOMANYREQUESTS', message: text.trim().slice(0, 300) || 'too many requests' }]
  return []
}

/** "100;w=21600" is 100 pulls in 21600 seconds. */
function rateLimitHint(headers: HttpAnswer['headers'], retryAfter: number | undefined): string {
  const [, count, window] = /^(\d+)(?:;w=(\d+))?/.exec(String(headers['ratelimit-limit'] ?? '')) ?? []
  const hints = [
    ...(count === undefined ? [] : [`the limit is ${count} pulls${window === undefined ? '' : ` in ${duration(Number(window))}`}`]),
    retryAfter === undefined ? 'try again later' : `try again in ${duration(retryAfter)}`,
    '`docker login` may give a higher limit, and --registry-mirror saves pulls',
  ]
  return ` (${hints.join('; ')})`
}

function duration(seconds: number): string {
  if (seconds >= 3600) return `${Math.round(seconds / 360) / 10} h`
  return seconds >= 60 ? `${Math.ceil(seconds / 60)} min` : `${seconds} s`
}

function secondsOf(header: string | undefined): number | undefined {
  if (header === undefined) return undefined
  if (/^\d+$/.test(header)) return Number(header)
  const date = Date.parse(header)
  return Number.isNaN(date) ? undefined : Math.max(0, Math.ceil((date - Date.now()) / 1000))
}

function kindOfStatus(status: number): ErrorKind {
  const kinds: Record<number, ErrorKind> = { 400: 'InvalidParameter', 401: 'Unauthorized', 403: 'Forbidden', 404: 'NotFound', 429: 'TooManyRequests', 503: 'Unavailable' }
  return kinds[status] ?? 'System'
}
