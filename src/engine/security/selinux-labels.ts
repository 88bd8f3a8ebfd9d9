import { randomInt } from 'node:crypto'
import { GantryError } from '../../lib/errors.ts'
import type { SelinuxContexts } from '../../kernel/selinux.ts'
import { parseSecurityOptions } from '../spec/security-options.ts'
import type { HostConfig } from '../types/host-config.ts'

/** Labels of a container's processes and of what is mounted for it; no process label: that of the engine stays. */
export interface ContainerLabels {
  process: string
  mount: string
}

const categories = 1024
/** Of what belongs to containers without a label of their own: no container with one may read it. */
const unlabelledLevel = 's0:c1022,c1023'
const keys = new Set(['user', 'role', 'type', 'level', 'filetype'])
const keyList = "'disable, user, role, level, type, filetype'"

/**
 * The labels of a new container: the policy's own for containers, with a pair of categories that no other container has, so that
 * containers are kept apart though their type is one (Multi-Category Security); changed by --security-opt label=….
 * `inherited` is the process label of a container whose namespaces are joined.
 * @param taken levels that are in use
 * @throws InvalidParameter in Docker's words
 */
export function containerLabels(hostConfig: HostConfig, options: { contexts: SelinuxContexts; taken: ReadonlySet<string>; inherited?: string | undefined }): ContainerLabels {
  const { contexts, taken, inherited } = options
  const given = parseSecurityOptions(hostConfig.SecurityOpt).labels
  const words = given.length > 0 ? given : impliedBy(hostConfig, inherited)
  const changes = new Map(words.map(readWord))
  const [process, mount] = [parse(contexts.process), parse(contexts.file)]
  if (changes.has('disable')) return { process: '', mount: text({ ...mount, level: unlabelledLevel }) }
  const level = changes.get('level') ?? freeLevel(taken)
  const user = changes.get('user')
  return {
    process: text({ user: user ?? process.user, role: changes.get('role') ?? process.role, type: changes.get('type') ?? process.type, level }),
    mount: text({ user: user ?? mount.user, role: mount.role, type: changes.get('filetype') ?? mount.type, level }),
  }
}

/** Who is privileged or shares processes or IPC with the host is not confined; who joins those of a container is confined as it is. */
function impliedBy({ Privileged, IpcMode, PidMode }: HostConfig, inherited: string | undefined): string[] {
  if (Privileged || IpcMode === 'host' || PidMode === 'host') return ['disable']
  if (inherited === undefined) return []
  if (inherited === '') return ['disable']
  const { user, role, type, level } = parse(inherited)
  return [`user:${user}`, `role:${role}`, `type:${type}`, `level:${level}`]
}

function readWord(word: string): [string, string] {
  if (word === 'disable') return [word, '']
  const at = word.indexOf(':')
  if (at === -1) throw invalid(`Bad label option ${JSON.stringify(word)}, valid options 'disable' or \n'user, role, level, type, filetype' followed by ':' and a value`)
  const key = word.slice(0, at)
  if (!keys.has(key)) throw invalid(`Bad label option ${JSON.stringify(key)}, valid options ${keyList}`)
  return [key, word.slice(at + 1)]
}

function freeLevel(taken: ReadonlySet<string>): string {
  for (;;) {
    const [one, other] = [randomInt(categories), randomInt(categories)]
    const level = `s0:c${Math.min(one, other)},c${Math.max(one, other)}`
    if (one !== other && level !== unlabelledLevel && !taken.has(level)) return level
  }
}

interface Context {
  user: string
  role: string
  type: string
  /** May hold colons. */
  level: string
}

export function parse(label: string): Context {
  const [user = '', role = '', type = '', ...level] = label.split(':')
  return { user, role, type, level: level.join(':') }
}

export function text({ user, role, type, level }: Context): string {
  return [user, role, type, ...(level === '' ? [] : [level])].join(':')
}

function invalid(message: string): GantryError {
  return new GantryError('InvalidParameter', message)
}
