import type { StatusWarning } from '../../../lib/buildkit/control-messages.ts'
import { sourceExcerpt } from '../../../lib/buildkit/source-excerpt.ts'
import type { GrpcError } from '../../../lib/grpc/status.ts'
import type { BuildModel } from './build-model.ts'

/** Lines of a failed step's output that are shown again. */
const lastLines = 10

/** What failed: the step with the end of its output, and the lines of the Dockerfile. */
export function failureText(error: GrpcError | undefined, model: BuildModel, debug: boolean): string {
  const { failed } = model
  const lines = debug ? (failed?.lines ?? []) : (failed?.lines.slice(-lastLines) ?? [])
  const output = failed === undefined ? '' : `------\n > ${failed.name}:\n${lines.map((line) => `${line}\n`).join('')}------\n`
  return output + (error?.details ?? []).map(excerptOf).join('')
}

interface SourceDetail {
  info?: { filename?: string; data?: string }
  ranges?: { start?: { line?: number }; end?: { line?: number } }[]
}

function excerptOf({ typeUrl, value }: GrpcError['details'][number]): string {
  if (!typeUrl.endsWith('errdefs.Source+json')) return ''
  const { info = {}, ranges = [] } = JSON.parse(Buffer.from(value).toString()) as SourceDetail
  const start = ranges[0]?.start?.line
  if (start === undefined) return ''
  return sourceExcerpt({ name: info.filename ?? '', text: Buffer.from(info.data ?? '', 'base64').toString() }, { start, end: ranges[0]?.end?.line ?? start })
}

/** " 2 warnings found", a line each; everything about them with `debug`. */
export function warningsText(warnings: readonly StatusWarning[], debug: boolean): string {
  if (warnings.length === 0) return ''
  const head = `\n ${warnings.length} warning${warnings.length === 1 ? '' : 's'} found${debug ? '' : ' (use --debug to expand)'}:\n`
  const lines = warnings.map(({ short, detail, url, info, ranges }) => {
    const line = ` - ${Buffer.from(short).toString()}\n`
    if (!debug) return line
    const start = ranges[0]?.start?.line
    const excerpt = info === undefined || start === undefined ? '' : sourceExcerpt({ name: info.filename, text: Buffer.from(info.data).toString() }, { start, end: ranges[0]?.end?.line ?? start })
    return `${line}${detail.map((text) => `${Buffer.from(text).toString()}\n`).join('')}${url === '' ? '' : `More info: ${url}\n`}${excerpt}`
  })
  return `${head}${lines.join('')}`
}
