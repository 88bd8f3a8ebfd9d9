import { parseDuration } from './duration.ts'
import { DockerfileError } from './dockerfile-error.ts'
import { readFlags } from './flags.ts'
import type { CopyInstruction, Instruction, Command, Place, RunInstruction } from './instruction.ts'
import { readPairs } from './pairs.ts'
import type { SourceInstruction } from './source-text.ts'
import { heredocOf, plainWords, readSource } from './source-text.ts'
import { suggestion } from './suggestion.ts'

type Parse = (source: SourceInstruction, place: Place) => Instruction

const parsers: Record<string, Parse> = {
  FROM: parseFrom,
  ARG: parseArg,
  ENV: (source, place) => ({ kind: 'env', ...readPairs(source), ...place }),
  LABEL: (source, place) => ({ kind: 'label', ...readPairs(source), ...place }),
  RUN: parseRun,
  COPY: parseCopy,
  ADD: parseCopy,
  CMD: (source, place) => ({ kind: 'cmd', command: commandOf(source.rest), ...place }),
  ENTRYPOINT: (source, place) => ({ kind: 'entrypoint', command: commandOf(oneOrMore(source)), ...place }),
  WORKDIR: (source, place) => ({ kind: 'workdir', value: exactlyOne(source), ...place }),
  USER: (source, place) => ({ kind: 'user', value: exactlyOne(source), ...place }),
  STOPSIGNAL: (source, place) => ({ kind: 'stopsignal', value: exactlyOne(source), ...place }),
  MAINTAINER: (source, place) => ({ kind: 'maintainer', value: exactlyOne(source), ...place }),
  EXPOSE: (source, place) => ({ kind: 'expose', values: plainWords(oneOrMore(source)), ...place }),
  VOLUME: parseVolume,
  HEALTHCHECK: parseHealthcheck,
  ONBUILD: parseOnbuild,
  SHELL: parseShell,
}

/** In the order that decides which one a mistyped word is likest to. */
export const keywords = Object.keys(parsers).toSorted()

/** @throws DockerfileError with the line and what is wrong with the instruction */
export function parseInstruction(source: SourceInstruction): Instruction {
  const parse = parsers[source.keyword]
  if (parse === undefined) {
    const word = source.original.split(/\s/)[0] ?? ''
    throw new DockerfileError(`unknown instruction: ${word}${suggestion(source.keyword, keywords)}`, source.start)
  }
  const { start, end, original } = source
  return parse(source, { start, end, original })
}

/** The instruction of an ONBUILD trigger, with its heredocs, or of `--change`. */
export function parseLine(line: string, at = 0): Instruction {
  const [source] = readSource(line).instructions
  if (source === undefined) throw new DockerfileError(`unknown instruction: ${line.trim()}`, at)
  return parseInstruction({ ...source, start: at, end: at })
}

/** A JSON array of strings is exec form, everything else shell form. */
export function commandOf(rest: string): Command {
  const words = jsonWords(rest)
  return words === undefined ? { form: 'shell', line: rest } : { form: 'exec', words }
}

export function jsonWords(text: string): string[] | undefined {
  if (!text.startsWith('[')) return undefined
  try {
    const value: unknown = JSON.parse(text)
    return Array.isArray(value) && value.every((item) => typeof item === 'string') ? value : undefined
  } catch {
    return undefined
  }
}

function oneOrMore({ keyword, rest, start }: SourceInstruction): string {
  if (rest === '') throw new DockerfileError(`${keyword} requires at least one argument`, start)
  return rest
}

function exactlyOne({ keyword, rest, start }: SourceInstruction): string {
  if (rest === '') throw new DockerfileError(`${keyword} requires exactly one argument`, start)
  return rest
}

function parseFrom(source: SourceInstruction, place: Place): Instruction {
  const flags = readFlags(source.rest, { table: { platform: 'text' }, keyword: 'FROM', line: source.start })
  const [image = '', as, name, more] = plainWords(flags.rest)
  const named = as?.toLowerCase() === 'as' && name !== undefined && more === undefined
  if (image === '' || (as !== undefined && !named)) throw new DockerfileError('FROM requires either one or three arguments', source.start)
  if (name !== undefined && !/^[a-z][a-z0-9-_.]*$/i.test(name)) {
    throw new DockerfileError(`invalid name for build stage: "${name}", name can't start with a number or contain symbols`, source.start)
  }
  return { kind: 'from', image, platform: flags.text('platform'), name, as, comments: source.comments, ...place }
}

function parseArg(source: SourceInstruction, place: Place): Instruction {
  const args = plainWords(oneOrMore(source), source.escape).map((word) => {
    const equals = word.indexOf('=')
    const name = equals === -1 ? word : word.slice(0, equals)
    if (name === '') throw new DockerfileError('ARG names can not be blank', source.start)
    return equals === -1 ? { name } : { name, value: word.slice(equals + 1) }
  })
  return { kind: 'arg', args, comments: source.comments, ...place }
}

function parseRun(source: SourceInstruction, place: Place): RunInstruction {
  const table = { mount: 'texts', network: 'text', security: 'text', device: 'texts' } as const
  const flags = readFlags(source.rest, { table, keyword: 'RUN', line: source.start })
  if (flags.rest === '') throw new DockerfileError('RUN requires at least one argument', source.start)
  return {
    kind: 'run',
    command: commandOf(flags.rest),
    heredocs: source.heredocs,
    mounts: flags.texts('mount'),
    network: flags.text('network'),
    security: flags.text('security'),
    devices: flags.texts('device'),
    ...place,
  }
}

const copyFlags = { from: 'text', chown: 'text', chmod: 'text', link: 'boolean', parents: 'boolean', exclude: 'texts' } as const
const addFlags = { chown: 'text', chmod: 'text', link: 'boolean', exclude: 'texts', checksum: 'text', 'keep-git-dir': 'boolean', unpack: 'boolean' } as const

function parseCopy(source: SourceInstruction, place: Place): CopyInstruction {
  const { keyword, start } = source
  const flags = readFlags(source.rest, { table: keyword === 'COPY' ? copyFlags : addFlags, keyword, line: start })
  const words = jsonWords(flags.rest) ?? plainWords(flags.rest)
  const destination = words.at(-1)
  if (destination === undefined || words.length < 2) {
    throw new DockerfileError(`${keyword} requires at least two arguments, but only one was provided. Destination could not be determined`, start)
  }
  return {
    kind: keyword === 'COPY' ? 'copy' : 'add',
    sources: words.slice(0, -1).filter((word) => heredocOf(word) === undefined || source.heredocs.length === 0),
    destination,
    heredocs: source.heredocs,
    from: flags.text('from'),
    chown: flags.text('chown'),
    chmod: flags.text('chmod'),
    link: flags.boolean('link') ?? false,
    parents: flags.boolean('parents') ?? false,
    excludes: flags.texts('exclude'),
    checksum: flags.text('checksum'),
    keepGitDir: flags.boolean('keep-git-dir') ?? false,
    unpack: flags.boolean('unpack'),
    ...place,
  }
}

function parseVolume(source: SourceInstruction, place: Place): Instruction {
  const values = jsonWords(oneOrMore(source)) ?? plainWords(source.rest)
  if (values.some((value) => value.trim() === '')) throw new DockerfileError('VOLUME specified can not be an empty string', source.start)
  return { kind: 'volume', values, ...place }
}

function parseShell(source: SourceInstruction, place: Place): Instruction {
  const words = jsonWords(oneOrMore(source))
  if (words === undefined || words.length === 0) throw new DockerfileError('SHELL requires the arguments to be in JSON form', source.start)
  return { kind: 'shell', words, ...place }
}

const healthFlags = { interval: 'text', timeout: 'text', 'start-period': 'text', 'start-interval': 'text', retries: 'text' } as const

function parseHealthcheck(source: SourceInstruction, place: Place): Instruction {
  const line = source.start
  const flags = readFlags(oneOrMore(source), { table: healthFlags, keyword: 'HEALTHCHECK', line })
  const [, type = '', rest = ''] = /^(\S+)\s*([\s\S]*)$/.exec(flags.rest) ?? []
  if (type.toUpperCase() === 'NONE') {
    if (rest !== '') throw new DockerfileError('HEALTHCHECK NONE takes no arguments', line)
    return { kind: 'healthcheck', ...place }
  }
  if (type.toUpperCase() !== 'CMD') throw new DockerfileError(`unknown type "${type}" in HEALTHCHECK (try CMD)`, line)
  if (rest === '') throw new DockerfileError('missing command after HEALTHCHECK CMD', line)
  const time = (name: string): number => parseDuration(flags.text(name), { name, line })
  const retries = flags.text('retries')
  if (retries !== undefined && !/^\d+$/.test(retries)) throw new DockerfileError(`strconv.ParseInt: parsing ${JSON.stringify(retries)}: invalid syntax`, line)
  const check = { command: commandOf(rest), interval: time('interval'), timeout: time('timeout'), startPeriod: time('start-period'), startInterval: time('start-interval') }
  return { kind: 'healthcheck', check: { ...check, retries: Number(retries ?? 0) }, ...place }
}

const noTrigger = new Set(['ONBUILD', 'FROM', 'MAINTAINER'])

function parseOnbuild(source: SourceInstruction, place: Place): Instruction {
  const trigger = [oneOrMore(source), ...source.heredocs.map(({ content, name }) => `${content}${name}`)].join('\n')
  const word = (trigger.split(/\s/)[0] ?? '').toUpperCase()
  if (word === 'ONBUILD') throw new DockerfileError("Chaining ONBUILD via `ONBUILD ONBUILD` isn't allowed", source.start)
  if (noTrigger.has(word)) throw new DockerfileError(`${word} isn't allowed as an ONBUILD trigger`, source.start)
  parseLine(trigger, source.start)
  return { kind: 'onbuild', trigger, ...place }
}
