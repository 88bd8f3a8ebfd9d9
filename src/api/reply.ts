import type { ServerResponse } from 'node:http'
import { errorTable, kindOf, messageOf } from '../lib/errors.ts'
import { collectWhenIdle } from '../lib/idle-collection.ts'
import { stringifyJson } from '../lib/json.ts'

/** JSON as Go writes it: big integers in digits, one document a line. */
export function encodeJson(value: unknown): string {
  return `${stringifyJson(value)}\n`
}

export function sendJson(response: ServerResponse, status: number, value: unknown): void {
  const body = encodeJson(value)
  collectWhenIdle(body.length)
  response.writeHead(status, { 'Content-Type': 'application/json', 'Content-Length': Buffer.byteLength(body) })
  response.end(body)
}

export function sendEmpty(response: ServerResponse, status: number): void {
  response.writeHead(status, status === 204 || status === 304 ? {} : { 'Content-Length': 0 })
  response.end()
}

/**
 * The reply to a request that failed: {"message"} with the kind's status. When part of the answer has gone out there is
 * no status left to set; the connection is cut so that the client does not take the part for the whole.
 */
export function sendError(response: ServerResponse, error: unknown): void {
  if (response.headersSent) {
    response.destroy()
    return
  }
  const { status } = errorTable[kindOf(error)]
  if (status === 304) sendEmpty(response, status)
  else sendJson(response, status, { message: messageOf(error) })
}

/** A failure in the middle of a progress stream, as Docker's jsonmessage. */
export function progressError(error: unknown): string {
  return encodeJson({ errorDetail: { message: messageOf(error) }, error: messageOf(error) })
}
