import type { IncomingHttpHeaders } from 'node:http'
import type { Readable } from 'node:stream'
import { GantryError } from '../lib/errors.ts'
import { collectWhenIdle } from '../lib/idle-collection.ts'
import type { Decoder } from './decode.ts'

/** Bytes of a JSON body; an archive is streamed and has no limit here. */
const maxJsonBytes = 8 * 1024 * 1024

export interface RequestBody {
  readonly headers: IncomingHttpHeaders
  readonly stream: Readable
}

/**
 * Reads a JSON body by Docker's rules: it must say that it is JSON, an absent body is an empty document, and nothing
 * may follow the document. `required` makes an absent body an error.
 * @throws InvalidParameter
 */
export async function readJson<T>(body: RequestBody, decoder: Decoder<T>, required = false): Promise<T> {
  checkContentType(body.headers, required)
  const text = (await readLimited(body.stream, maxJsonBytes)).toString('utf8')
  if (text.trim() === '') {
    if (!required && text === '') return {} as T
    throw invalid('invalid JSON: got EOF while reading request body')
  }
  collectWhenIdle(text.length)
  return decoder.decode(parse(text), '') ?? ({} as T)
}

export function hasBody(headers: IncomingHttpHeaders): boolean {
  return headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > 0
}

/** "application/json" of "Application/JSON; charset=utf-8" */
export function mediaTypeOf(headers: IncomingHttpHeaders): string | undefined {
  return headers['content-type']?.split(';', 1)[0]?.trim().toLowerCase()
}

function checkContentType(headers: IncomingHttpHeaders, required: boolean): void {
  const type = headers['content-type']
  if (type === undefined && !hasBody(headers) && !required) return
  if (type === undefined || type.trim() === '') throw invalid('malformed Content-Type header (): mime: no media type')
  const media = mediaTypeOf(headers)
  // Docker's own client says text/plain when it posts nothing.
  if (media === 'text/plain' && !hasBody(headers) && !required) return
  if (media !== 'application/json') {
    throw invalid(`unsupported Content-Type header (${type}): must be 'application/json'`)
  }
}

async function readLimited(stream: Readable, limit: number): Promise<Buffer> {
  const chunks: Buffer[] = []
  let size = 0
  for await (const chunk of stream as AsyncIterable<Buffer>) {
    size += chunk.length
    if (size > limit) throw invalid('http: request body too large')
    chunks.push(chunk)
  }
  return Buffer.concat(chunks, size)
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text) as unknown
  } catch (error) {
    throw new GantryError('InvalidParameter', goSyntaxError(text, String(error)), { cause: error })
  }
}

/** encoding/json's wording for what JSON.parse found. */
function goSyntaxError(text: string, problem: string): string {
  const position = Number(/at position (\d+)/.exec(problem)?.[1] ?? text.length)
  const character = /Unexpected token '(.+?)'/su.exec(problem)?.[1] ?? text.charAt(position)
  if (character === '') return 'invalid JSON: unexpected EOF'
  if (problem.includes('after JSON')) return 'unexpected content after JSON'
  return `invalid JSON: invalid character '${character}' looking for beginning of value`
}

function invalid(message: string): GantryError {
  return new GantryError('InvalidParameter', message)
}
