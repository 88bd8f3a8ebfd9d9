import { GrpcError, grpcCode, toGrpcError } from '../../lib/grpc/status.ts'
import type { GrpcDetail } from '../../lib/grpc/status.ts'
import { DockerfileError } from '../dockerfile/dockerfile-error.ts'
import { rangeOf } from './build-status.ts'
import type { BuildStatus } from './build-status.ts'

const prefix = 'github.com/moby/buildkit/errdefs.'

/** What went wrong as BuildKit tells it (only a file that could not be read is a parse error): beside the text, the vertex that failed and the lines of the Dockerfile, as JSON documents. */
export function buildFailure(error: unknown, status: BuildStatus, { isRead = false }: { isRead?: boolean } = {}): GrpcError {
  if (error instanceof GrpcError) return error
  const plain = toGrpcError(error)
  const { failed, source } = status
  const lines = error instanceof DockerfileError && error.line > 0 ? { start: error.line, end: error.line } : failed?.lines
  const details: GrpcDetail[] = []
  if (failed !== undefined && !(error instanceof DockerfileError)) details.push(detail('Vertex+json', { digest: failed.id }))
  if (lines !== undefined && source !== undefined) {
    const info = { filename: source.name, data: Buffer.from(source.text).toString('base64'), language: 'Dockerfile' }
    details.push(detail('Source+json', { info, ranges: [rangeOf(lines)] }))
  }
  // Clients put the name of any other code before the text.
  const message = isRead && error instanceof DockerfileError ? error.reason : plain.message
  return new GrpcError(grpcCode.unknown, message, { details, cause: error })
}

function detail(name: string, document: unknown): GrpcDetail {
  return { typeUrl: prefix + name, value: Buffer.from(JSON.stringify(document)) }
}
