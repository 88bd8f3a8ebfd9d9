/**
 * The closed set of error kinds. Every error that a caller may act upon is a `GantryError`; anything else
 * that is thrown is a bug or the kernel's word, and is shown as `System`.
 */
export type ErrorKind =
  | 'InvalidParameter'
  | 'NotFound'
  | 'Conflict'
  | 'NotModified'
  | 'Forbidden'
  | 'Unauthorized'
  | 'TooManyRequests'
  | 'Unavailable'
  | 'NotImplemented'
  | 'System'

/** One row a kind: HTTP status (Engine API), gRPC code (containerd API) and exit code (command lines). */
export const errorTable: Record<ErrorKind, { status: number; grpc: number; exit: number }> = {
  InvalidParameter: { status: 400, grpc: 3, exit: 125 },
  NotFound: { status: 404, grpc: 5, exit: 125 },
  Conflict: { status: 409, grpc: 6, exit: 125 },
  NotModified: { status: 304, grpc: 9, exit: 0 },
  Forbidden: { status: 403, grpc: 7, exit: 125 },
  Unauthorized: { status: 401, grpc: 16, exit: 125 },
  TooManyRequests: { status: 429, grpc: 8, exit: 125 },
  Unavailable: { status: 503, grpc: 14, exit: 125 },
  NotImplemented: { status: 501, grpc: 12, exit: 125 },
  System: { status: 500, grpc: 13, exit: 125 },
}

/**
 * An error with a kind. Wording: "cannot <act> <object>: <reason>"; where clients parse Docker's text, that text.
 * `cause` keeps the first failure. `exitCode` overrides the kind's exit code (126 and 127 of a command that cannot start).
 */
export class GantryError extends Error {
  readonly kind: ErrorKind
  readonly exitCode: number

  constructor(kind: ErrorKind, message: string, options: { cause?: unknown; exitCode?: number } = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause })
    this.name = 'GantryError'
    this.kind = kind
    this.exitCode = options.exitCode ?? errorTable[kind].exit
  }
}

/** The kind of anything that was thrown. */
export function kindOf(error: unknown): ErrorKind {
  return error instanceof GantryError ? error.kind : 'System'
}

/** The text of anything that was thrown. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
