import { GrpcError, grpcCode, toGrpcError } from '../../lib/grpc/status.ts'
import type { GrpcDetail } from '../../lib/grpc/status.ts'
import { DockerfileError } from '../dockerfile/dockerfile-error.ts'
import { rangeOf } from './build-status.ts'
import type { BuildStatus } from './build-status.ts'

const prefix = 'github.com/moby/buildkit/errdefs.'

/** What went wrong as BuildKit tells it: beside the text, the vertex that failed and the lines of the Dockerfile, as JSON documents. */
export function buildFailure(error: unknown, status: BuildStatus): GrpcError {
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
  return new GrpcError(grpcCode.unknown, plain.message, { details, cause: error })
}

function detail(name: string, document: unknown): GrpcDetail {
  return { typeUrl: prefix + name, value: Buffer.from(JSON.stringify(document)) }
}
