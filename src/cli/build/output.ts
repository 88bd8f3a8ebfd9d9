import { createWriteStream } from 'node:fs'
import { resolve } from 'node:path'
import type { Writable } from 'node:stream'
import { parseCsv } from '../container-options/csv.ts'
import { ExitError } from '../exit-error.ts'
import type { FlagValues } from '../grammar/flag.ts'

/** One exporter, and where on this side its result goes. */
export interface Output {
  type: string
  attributes: Record<string, string>
  directory?: string
  /** Called when the engine begins to send. */
  file?: () => Writable
  /** A directory that gets an OCI layout (tar=false). */
  layout?: string
}

/** --output, --load, --push and --tag. @throws ExitError with docker's texts */
export function readOutputs(flags: FlagValues, stdout: NodeJS.WriteStream): Output[] {
  const outputs = flags.list('output').map((word) => readOutput(word, stdout))
  if (flags.boolean('push')) {
    const image = outputs.find(({ type }) => type === 'moby')
    if (image === undefined) outputs.push({ type: 'moby', attributes: { push: 'true' } })
    else image.attributes['push'] = 'true'
  }
  if (flags.boolean('load') && !outputs.some(({ type }) => type === 'moby')) outputs.push({ type: 'moby', attributes: {} })
  if (outputs.length === 0 && flags.list('output').length === 0) outputs.push({ type: 'moby', attributes: {} })
  const name = flags.list('tag').join(',')
  for (const output of outputs) {
    if (name !== '' && ['moby', 'oci', 'docker'].includes(output.type)) output.attributes['name'] = name
    if (output.attributes['push'] === 'true' && !output.attributes['name']) throw new ExitError('tag is needed when pushing to registry')
    for (const annotation of flags.list('annotation')) addAnnotation(output, annotation)
  }
  return outputs.filter(({ type }) => type !== 'cacheonly')
}

function readOutput(word: string, stdout: NodeJS.WriteStream): Output {
  const fields = parseCsv(word)
  if (fields.length === 1 && fields[0] === word && !word.startsWith('type=')) {
    return word === '-' ? toFile({ type: 'tar', attributes: {} }, '-', stdout) : { type: 'local', attributes: {}, directory: resolve(word) }
  }
  const attributes: Record<string, string> = {}
  for (const field of fields) {
    const equals = field.indexOf('=')
    if (equals < 0) throw new ExitError(`invalid value ${field}`)
    attributes[field.slice(0, equals).trim().toLowerCase()] = field.slice(equals + 1)
  }
  const { type = '', dest, ...rest } = attributes
  if (type === '') throw new ExitError('type is required for output')
  switch (type) {
    case 'local':
      if (!dest) throw new ExitError('dest is required for local output')
      if (dest === '-') throw new ExitError('dest cannot be stdout for local exporter')
      return { type, attributes: rest, directory: resolve(dest) }
    case 'oci':
      if (rest['tar'] === 'false') {
        if (!dest) throw new ExitError('dest is required for oci exporter with tar=false')
        return { type, attributes: rest, layout: resolve(dest) }
      }
      return toFile({ type, attributes: rest }, dest ?? '-', stdout)
    case 'tar':
      return toFile({ type, attributes: rest }, dest ?? '-', stdout)
    case 'docker':
      return dest === undefined ? { type: 'moby', attributes: rest } : toFile({ type, attributes: rest }, dest, stdout)
    case 'image':
      return { type: 'moby', attributes: rest }
    case 'registry':
      return { type: 'moby', attributes: { push: 'true', ...rest } }
    default:
      return { type, attributes: rest }
  }
}

function toFile(output: Output, dest: string, stdout: NodeJS.WriteStream): Output {
  if (dest !== '-') return { ...output, file: () => createWriteStream(resolve(dest)) }
  if (stdout.isTTY) throw new ExitError(`dest file is required for ${output.type} exporter. refusing to write to console`)
  return { ...output, file: () => stdout }
}

/** "[type:]key=value". */
function addAnnotation(output: Output, annotation: string): void {
  const match = /^(?:(manifest|index|manifest-descriptor|index-descriptor):)?([^=]+)=(.*)$/s.exec(annotation)
  if (match === null) throw new ExitError(`invalid annotation ${JSON.stringify(annotation)}, expected key=value`)
  output.attributes[`annotation${match[1] === undefined ? '' : `-${match[1]}`}.${match[2]}`] = match[3]!
}
