import { errorTable, GantryError, kindOf, messageOf } from '../errors.ts'
import type { ErrorKind } from '../errors.ts'
import { bytes, int, message, repeated, string } from '../protobuf/message.ts'

/** google.rpc.Status and the Any of its details. */
export const anyMessage = message({ typeUrl: string(1), value: bytes(2) })
export const statusMessage = message({ code: int(1), message: string(2), details: repeated(3, anyMessage) })

/** Source: gRPC, "Status codes and their use". */
export const grpcCode = { ok: 0, canceled: 1, unknown: 2, unimplemented: 12, internal: 13, unavailable: 14 } as const

/** A call that failed; `details` are typed documents beside the text. */
export class GrpcError extends GantryError {
  readonly code: number
  readonly details: readonly GrpcDetail[]

  constructor(code: number, text: string, { details = [], cause }: { details?: readonly GrpcDetail[]; cause?: unknown } = {}) {
    super(kindOfCode(code), text, cause === undefined ? {} : { cause })
    this.code = code
    this.details = details
  }
}

export interface GrpcDetail {
  typeUrl: string
  value: Uint8Array
}

/** Anything that was thrown, as a status. */
export function toGrpcError(error: unknown): GrpcError {
  if (error instanceof GrpcError) return error
  const code = error instanceof GantryError && error.kind !== 'System' ? errorTable[error.kind].grpc : grpcCode.unknown
  return new GrpcError(code, messageOf(error), { cause: error })
}

function kindOfCode(code: number): ErrorKind {
  const found = (Object.keys(errorTable) as ErrorKind[]).find((kind) => errorTable[kind].grpc === code)
  return found === undefined || kindOf(undefined) === found ? 'System' : found
}

/** Trailers of a call. grpc-message is percent-encoded UTF-8. Source: gRPC over HTTP2, "Responses". */
export function statusTrailers(error: GrpcError | undefined): Record<string, string> {
  if (error === undefined) return { 'grpc-status': '0' }
  const details = statusMessage.encode({ code: error.code, message: error.message, details: [...error.details] })
  return {
    'grpc-status': String(error.code),
    'grpc-message': error.message.toWellFormed().replaceAll(/[^ -$&-~]/gu, (character) => encodeURIComponent(character)),
    ...(error.details.length > 0 && { 'grpc-status-details-bin': details.toString('base64').replace(/=+$/, '') }),
  }
}

/** The failure that trailers tell, undefined for success. */
export function errorOfTrailers(trailers: Record<string, string | string[] | undefined>): GrpcError | undefined {
  const status = trailers['grpc-status']
  if (status === undefined) return new GrpcError(grpcCode.unavailable, 'the stream ended without a status')
  if (status === '0') return undefined
  const packed = trailers['grpc-status-details-bin']
  const details = typeof packed === 'string' ? statusMessage.decode(Buffer.from(packed, 'base64')).details : []
  return new GrpcError(Number(status), decodeMessage(String(trailers['grpc-message'] ?? '')), { details })
}

function decodeMessage(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}
