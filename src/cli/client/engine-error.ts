import { ExitError } from '../exit-error.ts'
import type { EngineAddress } from './host.ts'
import type { HttpResponse } from './http-connection.ts'

/** An answer of the engine with a status of 400 or above. */
export class EngineError extends ExitError {
  readonly status: number
  /** The engine's own words. */
  readonly reason: string

  constructor(status: number, reason: string) {
    super(`Error response from daemon: ${reason}`)
    this.status = status
    this.reason = reason
  }

  static async from(response: HttpResponse): Promise<EngineError> {
    const { status } = response
    const chunks: Buffer[] = []
    for await (const chunk of response.body) chunks.push(chunk)
    const body = Buffer.concat(chunks).toString().trim()
    if (body === '') return new EngineError(status, `${response.reason} (status ${status}, no message)`)
    try {
      return new EngineError(status, (JSON.parse(body) as { message?: string }).message ?? body)
    } catch {
      return new EngineError(status, body)
    }
  }
}

/** True for the engine's 404. */
export function isNotFound(error: unknown): boolean {
  return error instanceof EngineError && error.status === 404
}

/** What a failed connection means to the user. */
export function unreachable(address: EngineAddress, cause: Error): Error {
  const code = (cause as NodeJS.ErrnoException).code
  if (code === 'ENOENT' || code === 'ECONNREFUSED') {
    return new ExitError(`Cannot connect to the Docker daemon at ${address.shown}. Is the docker daemon running?`, 1, { cause })
  }
  if (code === 'EACCES') {
    return new ExitError(`permission denied while trying to connect to the docker API at ${address.shown}`, 1, { cause })
  }
  if (code === 'ECONNRESET' || code === 'EPIPE') {
    return new ExitError(`error during connect: ${address.shown}: ${cause.message || code}`, 1, { cause })
  }
  return cause
}
