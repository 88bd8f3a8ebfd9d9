import { GantryError } from './errors.ts'

/** The part of an image's run configuration that changes may set; keys as in the Engine API. */
export interface ChangedConfig {
  User?: string
  ExposedPorts?: Record<string, Record<string, never>> | null
  Env?: string[] | null
  Cmd?: string[] | null
  Volumes?: Record<string, Record<string, never>> | null
  WorkingDir?: string
  Entrypoint?: string[] | null
  OnBuild?: string[] | null
  Labels?: Record<string, string> | null
  StopSignal?: string
}

const instructions: Record<string, (config: ChangedConfig, rest: string) => void> = {
  CMD: (config, rest) => (config.Cmd = command(rest)),
  ENTRYPOINT: (config, rest) => (config.Entrypoint = command(rest)),
  USER: (config, rest) => (config.User = single('USER', rest)),
  WORKDIR: (config, rest) => (config.WorkingDir = workingDirectory(config.WorkingDir, single('WORKDIR', rest))),
  STOPSIGNAL: (config, rest) => (config.StopSignal = single('STOPSIGNAL', rest)),
  ONBUILD: (config, rest) => (config.OnBuild = [...(config.OnBuild ?? []), rest]),
  ENV: (config, rest) => {
    for (const [name, value] of pairs('ENV', rest)) {
      config.Env = [...(config.Env ?? []).filter((entry) => !entry.startsWith(`${name}=`)), `${name}=${value}`]
    }
  },
  LABEL: (config, rest) => {
    config.Labels = { ...config.Labels, ...Object.fromEntries(pairs('LABEL', rest)) }
  },
  EXPOSE: (config, rest) => {
    for (const port of words(rest).flatMap(ports)) config.ExposedPorts = { ...config.ExposedPorts, [port]: {} }
  },
  VOLUME: (config, rest) => {
    for (const path of jsonList(rest) ?? words(rest)) config.Volumes = { ...config.Volumes, [path]: {} }
  },
}

/**
 * Applies Dockerfile instructions, one a line, as `import --change` and `commit --change` take them.
 * @throws InvalidParameter for an instruction that is unknown, not a change, or malformed
 */
export function applyChanges(config: ChangedConfig, changes: readonly string[]): void {
  for (const change of changes.flatMap((text) => text.split('\n'))) {
    const line = change.trim()
    if (line === '' || line.startsWith('#')) continue
    const [, keyword, rest] = /^(\S+)\s*(.*)$/s.exec(line)!
    const name = keyword!.toUpperCase()
    const apply = instructions[name]
    if (apply === undefined) throw invalid(`${name} is not a valid change command`)
    if (rest === '') throw invalid(`${name} requires at least one argument`)
    apply(config, rest!)
  }
}

function command(rest: string): string[] {
  return jsonList(rest) ?? ['/bin/sh', '-c', rest]
}

function jsonList(rest: string): string[] | undefined {
  if (!rest.startsWith('[')) return undefined
  try {
    const list: unknown = JSON.parse(rest)
    return Array.isArray(list) && list.every((item) => typeof item === 'string') ? list : undefined
  } catch {
    return undefined
  }
}

function single(name: string, rest: string): string {
  const list = words(rest)
  if (list.length !== 1) throw invalid(`${name} requires exactly one argument`)
  return list[0]!
}

function workingDirectory(current: string | undefined, path: string): string {
  const parts: string[] = []
  for (const part of (path.startsWith('/') ? path : `${current ?? ''}/${path}`).split('/')) {
    if (part === '..') parts.pop()
    else if (part !== '' && part !== '.') parts.push(part)
  }
  return `/${parts.join('/')}`
}

/** "a=b c=d", or the old form "name value" for one pair. */
function pairs(name: string, rest: string): [string, string][] {
  const list = words(rest)
  if (!list[0]!.includes('=')) {
    const [, key, value] = /^(\S+)\s+(.+)$/s.exec(rest) ?? []
    if (key === undefined || value === undefined) throw invalid(`${name} must have two arguments`)
    return [[key, value]]
  }
  return list.map((word) => {
    const equals = word.indexOf('=')
    if (equals < 1) throw invalid(`Syntax error - can't find = in ${JSON.stringify(word)}. Must be of the form: name=value`)
    return [word.slice(0, equals), word.slice(equals + 1)]
  })
}

function ports(text: string): string[] {
  const [, first, last, protocol] = /^([0-9]{1,5})(?:-([0-9]{1,5}))?(?:\/(tcp|udp|sctp))?$/i.exec(text) ?? []
  const start = Number(first)
  const end = last === undefined ? start : Number(last)
  if (first === undefined || start < 1 || end > 65535 || end < start) throw invalid(`invalid containerPort: ${text}`)
  return Array.from({ length: end - start + 1 }, (_, at) => `${start + at}/${(protocol ?? 'tcp').toLowerCase()}`)
}

/** Words parted by blanks; quotes group, a backslash takes the next character as it is. */
function words(text: string): string[] {
  const list: string[] = []
  let word: string | undefined
  let quote = ''
  for (let at = 0; at < text.length; at++) {
    const character = text[at]!
    if (character === '\\' && quote !== "'" && at + 1 < text.length) word = (word ?? '') + text[++at]!
    else if (quote !== '' && character === quote) quote = ''
    else if (quote === '' && (character === '"' || character === "'")) [quote, word] = [character, word ?? '']
    else if (quote === '' && /\s/.test(character)) {
      if (word !== undefined) list.push(word)
      word = undefined
    } else word = (word ?? '') + character
  }
  if (quote !== '') throw invalid(`unexpected end of statement while looking for matching ${quote === '"' ? 'double' : 'single'}-quote`)
  if (word !== undefined) list.push(word)
  return list
}

function invalid(message: string): GantryError {
  return new GantryError('InvalidParameter', message)
}
