import { DockerfileError } from '../dockerfile/dockerfile-error.ts'
import type { Dockerfile } from '../dockerfile/dockerfile.ts'
import { experimental } from './rules.ts'
import type { Rule } from './rules.ts'

/** What `# check=` asks for. */
export interface CheckOptions {
  wants(rule: Rule): boolean
  /** Warnings are errors. */
  fails: boolean
}

/**
 * Reads the directive `# check=skip=A,B;experimental=C;error=true`; the build argument BUILDKIT_DOCKERFILE_CHECK comes before it.
 * Source: Dockerfile reference, "check".
 * @throws DockerfileError for an option that there is none of
 */
export function checkOptions({ directives }: Pick<Dockerfile, 'directives'>, buildArgs: Readonly<Record<string, string>>): CheckOptions {
  const directive = directives.find(({ name }) => name === 'check')
  const text = buildArgs['BUILDKIT_DOCKERFILE_CHECK'] ?? directive?.value ?? ''
  const lists = { skip: new Set<string>(), experimental: new Set<string>() }
  let fails = false
  for (const part of text.split(';')) {
    if (part.trim() === '') continue
    const [, name = '', value] = /^\s*([^=]*?)\s*(?:=\s*(.*?))?\s*$/.exec(part) ?? []
    if (value === undefined) throw new DockerfileError(`invalid check option ${JSON.stringify(part.trim())}`, directive?.line ?? 0)
    if (name === 'skip' || name === 'experimental') for (const rule of value.split(',')) lists[name].add(rule.trim().toLowerCase())
    else if (name === 'error') fails = boolean(value, directive?.line ?? 0)
    else throw new DockerfileError(`invalid check option ${JSON.stringify(name)}`, directive?.line ?? 0)
  }
  return { fails, wants: (rule) => (experimental.has(rule) ? has(lists.experimental, rule) && !lists.skip.has(rule.toLowerCase()) : !has(lists.skip, rule)) }
}

function has(list: ReadonlySet<string>, rule: Rule): boolean {
  return list.has('all') || list.has(rule.toLowerCase())
}

/** As Go's strconv.ParseBool. */
function boolean(text: string, line: number): boolean {
  if (['1', 't', 'T', 'true', 'TRUE', 'True'].includes(text)) return true
  if (['0', 'f', 'F', 'false', 'FALSE', 'False'].includes(text)) return false
  throw new DockerfileError(`failed to parse check option error: strconv.ParseBool: parsing ${JSON.stringify(text)}: invalid syntax`, line)
}
