import { DockerfileError } from '../dockerfile/dockerfile-error.ts'
import { suggestion } from '../dockerfile/suggestion.ts'
import type { PlannedMount, Step } from './contract.ts'
import { absolute } from './paths.ts'

const keys: Record<string, readonly string[]> = {
  bind: ['type', 'target', 'dst', 'destination', 'source', 'src', 'from', 'rw', 'readwrite', 'ro', 'readonly'],
  cache: ['type', 'target', 'dst', 'destination', 'source', 'src', 'from', 'id', 'sharing', 'mode', 'uid', 'gid', 'rw', 'readwrite', 'ro', 'readonly'],
  tmpfs: ['type', 'target', 'dst', 'destination', 'size'],
  secret: ['type', 'target', 'dst', 'destination', 'id', 'source', 'src', 'env', 'required', 'mode', 'uid', 'gid'],
  ssh: ['type', 'target', 'dst', 'destination', 'id', 'source', 'src', 'required', 'mode', 'uid', 'gid'],
}

export interface MountPlace {
  cwd: string
  line: number
  /** What `from=` names; undefined: the main context. */
  from: (name: string | undefined) => Promise<Step>
}

/** One value of RUN --mount. Source: Dockerfile reference, "RUN --mount". @throws DockerfileError */
export async function readRunMount(text: string, place: MountPlace): Promise<PlannedMount> {
  const { cwd, line } = place
  const fields = readFields(text, line)
  const type = fields.get('type') ?? 'bind'
  const known = keys[type]
  if (known === undefined) throw new DockerfileError(`unsupported mount type "${type}"${suggestion(type, Object.keys(keys))}`, line)
  for (const key of fields.keys()) if (!known.includes(key)) throw new DockerfileError(`unexpected key '${key}' for mount type '${type}'${suggestion(key, known)}`, line)
  const text1 = (...names: string[]): string | undefined => names.map((name) => fields.get(name)).find((value) => value !== undefined)
  const flag = (...names: string[]): boolean => names.some((name) => booleanOf(fields.get(name), { name, line }))
  const number = (name: string, base: 8 | 10, fallback: number): number => numberOf(fields.get(name), { name, base, fallback, line })
  const asked = text1('target', 'dst', 'destination')
  const target = asked === undefined ? undefined : absolute(cwd, asked)
  const owner = { uid: number('uid', 10, 0), gid: number('gid', 10, 0) }
  switch (type) {
    case 'tmpfs':
      return { type, target: needed(target, line), ...(fields.has('size') ? { size: sizeOf(fields.get('size') ?? '', line) } : {}) }
    case 'bind':
      return { type, target: needed(target, line), from: await place.from(fields.get('from')), source: absolute('/', text1('source', 'src') ?? '/'), readWrite: flag('rw', 'readwrite') }
    case 'cache': {
      const sharing = fields.get('sharing') ?? 'shared'
      if (sharing !== 'shared' && sharing !== 'private' && sharing !== 'locked') throw new DockerfileError(`unsupported sharing value ${JSON.stringify(sharing)}${suggestion(sharing, ['shared', 'private', 'locked'])}`, line)
      const from = fields.has('from') ? await place.from(fields.get('from')) : undefined
      const id = fields.get('id') || needed(target, line)
      return { type, target: needed(target, line), id, from, source: absolute('/', text1('source', 'src') ?? '/'), readOnly: flag('ro', 'readonly'), sharing, mode: number('mode', 8, 0o755), ...owner }
    }
    case 'secret': {
      const env = fields.get('env')
      const id = text1('id') ?? text1('source', 'src') ?? asked?.split('/').at(-1)
      if (id === undefined || id === '') throw new DockerfileError('one of source, target required', line)
      return { type, target: target ?? (env === undefined ? `/run/secrets/${id.split('/').at(-1)}` : undefined), env, id, required: flag('required'), mode: number('mode', 8, 0o400), ...owner }
    }
    default:
      return { type: 'ssh', target, id: text1('id', 'source', 'src') || 'default', required: flag('required'), mode: number('mode', 8, 0o600), ...owner }
  }
}

/** Comma-separated, as CSV: a field may be quoted. */
function readFields(text: string, line: number): Map<string, string> {
  const fields = new Map<string, string>()
  for (const field of text.match(/(?:"(?:[^"]|"")*"|[^,])+/g) ?? []) {
    const plain = field.startsWith('"') ? field.slice(1, -1).replaceAll('""', '"') : field
    const equals = plain.indexOf('=')
    const key = (equals === -1 ? plain : plain.slice(0, equals)).toLowerCase().trim()
    if (equals === -1 && !['ro', 'readonly', 'rw', 'readwrite', 'required'].includes(key)) throw new DockerfileError(`invalid field '${plain}' must be a key=value pair`, line)
    fields.set(key, equals === -1 ? 'true' : plain.slice(equals + 1))
  }
  return fields
}

function needed(target: string | undefined, line: number): string {
  if (target === undefined || target === '') throw new DockerfileError('invalid mount config: target is required', line)
  return target
}

function booleanOf(value: string | undefined, { name, line }: { name: string; line: number }): boolean {
  if (value === undefined) return false
  if (/^(1|t|true)$/i.test(value)) return true
  if (/^(0|f|false)$/i.test(value)) return false
  throw new DockerfileError(`invalid value for ${name}: ${value}`, line)
}

function numberOf(value: string | undefined, { name, base, fallback, line }: { name: string; base: 8 | 10; fallback: number; line: number }): number {
  if (value === undefined) return fallback
  if (!(base === 8 ? /^[0-7]+$/ : /^\d+$/).test(value)) throw new DockerfileError(`invalid value ${value} for ${name}`, line)
  return Number.parseInt(value, base)
}

const sizes: Record<string, number> = { '': 1, b: 1, k: 1024, m: 1024 ** 2, g: 1024 ** 3, t: 1024 ** 4 }

function sizeOf(text: string, line: number): number {
  const [, number = '', unit = ''] = /^(\d+(?:\.\d+)?)([bkmgt]?)(?:i?b)?$/i.exec(text) ?? []
  if (number === '') throw new DockerfileError(`invalid value for size: ${text}`, line)
  return Math.floor(Number(number) * (sizes[unit.toLowerCase()] ?? 1))
}
