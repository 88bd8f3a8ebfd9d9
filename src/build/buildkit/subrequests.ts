import type { BuildWarning } from '../contract.ts'
import { parseDockerfile } from '../dockerfile/dockerfile.ts'
import { rangeOf } from './build-status.ts'
import { sourceExcerpt } from '../../lib/buildkit/source-excerpt.ts'

type Metadata = Record<string, Uint8Array>

/** What a client asks of the front end instead of a build. Source: BuildKit's frontend/subrequests. */
export const subrequests = ['frontend.lint', 'frontend.targets', 'frontend.outline', 'frontend.subrequests.describe'] as const
export type Subrequest = (typeof subrequests)[number]

const version = '1.0.0'

export function lintResult(warnings: readonly BuildWarning[], source: { name: string; text: string }): Metadata {
  const info = { filename: source.name, data: Buffer.from(source.text).toString('base64'), language: 'Dockerfile' }
  const document = {
    warnings: warnings.map(({ rule, description, url, detail, start, end }) => ({
      ruleName: rule,
      description,
      url,
      detail,
      location: { ranges: start > 0 ? [rangeOf({ start, end })] : [] },
    })),
    sources: [info],
  }
  const text = warnings.map(({ rule, url, detail, start, end }) => `\nWARNING: ${rule}${url === '' ? '' : ` - ${url}`}\n${detail}\n${sourceExcerpt(source, { start, end })}`).join('')
  return result(document, text, { 'result.statuscode': Buffer.from(warnings.length > 0 ? '1' : '0') })
}

/** The stages that can be built: those with a name, and the last. */
export function targetsResult(text: string): Metadata {
  const { stages } = parseDockerfile(text)
  const targets = stages.map((stage, index) => ({
    ...(stage.from.name !== undefined && { name: stage.name }),
    ...(index === stages.length - 1 && { default: true }),
    ...described(stage.name, stage.from.comments),
    base: stage.from.image,
  }))
  const rows = targets.map((target) => [`${target.name ?? ''}${target.default === true ? ' (default)' : ''}`.trim(), target.description ?? ''] as const)
  const width = Math.max('TARGET'.length, ...rows.map(([name]) => name.length)) + 4
  const table = [['TARGET', 'DESCRIPTION'] as const, ...rows].map(([name, description]) => `${name.padEnd(width)}${description}\n`).join('')
  return result({ targets, sources: [Buffer.from(text).toString('base64')] }, table)
}

/** A comment that begins with the name of what follows it. */
function described(name: string, comments: readonly string[]): { description?: string } {
  const text = comments.join(' ').trim()
  return text.startsWith(`${name} `) ? { description: text.slice(name.length + 1) } : {}
}

/** The build arguments and secrets of a target. */
export function outlineResult(text: string, target: string | undefined): Metadata {
  const dockerfile = parseDockerfile(text)
  const stage = dockerfile.stages.find(({ name }) => name === target?.toLowerCase()) ?? dockerfile.stages.at(-1)!
  const args = [...dockerfile.globalArgs, ...stage.instructions.filter((instruction) => instruction.kind === 'arg')].flatMap(({ args: list, comments }) =>
    list.map(({ name, value }) => ({ name, ...(value !== undefined && { value }), ...described(name, comments) })),
  )
  const secrets = stage.instructions.flatMap((instruction) => (instruction.kind === 'run' ? instruction.mounts : [])).flatMap((mount) => {
    if (!/(^|,)type=secret(,|$)/.test(mount)) return []
    const id = /(?:^|,)id=([^,]+)/.exec(mount)?.[1] ?? /(?:^|,)(?:target|dst|destination)=(?:[^,]*\/)?([^,/]+)/.exec(mount)?.[1]
    return id === undefined ? [] : [{ name: id, ...(/(^|,)required(=true)?(,|$)/.test(mount) && { required: true }) }]
  })
  const rows = args.map(({ name, value, description }) => `${name.padEnd(24)} ${(value ?? '').padEnd(24)} ${description ?? ''}`.trimEnd())
  const lines = [`TARGET: ${stage.from.name === undefined ? '(default)' : stage.name}`, ...(rows.length > 0 ? ['', 'BUILD ARG                VALUE                    DESCRIPTION', ...rows] : []), ...(secrets.length > 0 ? ['', 'SECRET                   REQUIRED', ...secrets.map((secret) => `${secret.name.padEnd(24)} ${'required' in secret ? 'true' : ''}`.trimEnd())] : [])]
  return result({ name: stage.from.name === undefined ? '' : stage.name, args, secrets, sources: [Buffer.from(text).toString('base64')] }, `${lines.join('\n')}\n`)
}

export function describeResult(): Metadata {
  const document = subrequests.map((name) => ({ Name: name, Version: version, Type: 'rpc', Metadata: [{ Name: 'result.json' }, { Name: 'result.txt' }] }))
  return result(document, subrequests.map((name) => `${name}\n`).join(''))
}

function result(document: unknown, text: string, more: Metadata = {}): Metadata {
  return { 'result.json': Buffer.from(JSON.stringify(document, null, 2)), 'result.txt': Buffer.from(text), version: Buffer.from(version), ...more }
}
