import { parseReference } from '../../lib/reference.ts'
import type { Dockerfile, Stage } from '../dockerfile/dockerfile.ts'
import { expandWord } from '../dockerfile/expand.ts'
import type { FromInstruction } from '../dockerfile/instruction.ts'
import { suggestion } from '../dockerfile/suggestion.ts'
import { platformArgs } from '../plan/scope.ts'
import type { Warn } from './check-dockerfile.ts'

const reserved = new Set(['scratch', 'context'])
const nowhere = { os: '', architecture: '' }
/** Arguments that every FROM may use without declaring them. */
export const predefined = Object.keys(platformArgs({ build: nowhere, target: nowhere, stage: '' }))

/** Rules about FROM and the names of stages. */
export function checkFroms(dockerfile: Dockerfile, warn: Warn, looked: (stage: Stage) => boolean): void {
  const names = new Set<string>()
  for (const stage of dockerfile.stages) {
    const { from } = stage
    checkName(from, { names, warn })
    if (!looked(stage)) continue
    checkPlatform(from, warn)
    checkArguments(dockerfile, from, warn)
    checkDefault(dockerfile, from, warn)
  }
}

function checkName(from: FromInstruction, { names, warn }: { names: Set<string>; warn: Warn }): void {
  const { name, as, original } = from
  if (name === undefined || as === undefined) return
  const [keyword = ''] = original.split(/\s/)
  const written = /\sas\s+(\S+)\s*$/i.exec(original)?.[1] ?? name
  if (written !== written.toLowerCase()) warn('StageNameCasing', from, `Stage name '${written}' should be lowercase`)
  const expected = keyword === keyword.toLowerCase() ? as.toLowerCase() : keyword === keyword.toUpperCase() ? as.toUpperCase() : as
  if (as !== expected) warn('FromAsCasing', from, `'${as}' and '${keyword}' keywords' casing do not match`)
  const lower = name.toLowerCase()
  if (names.has(lower)) warn('DuplicateStageName', from, `Duplicate stage name ${JSON.stringify(written)}, stage names should be unique`)
  names.add(lower)
  if (reserved.has(lower)) warn('ReservedStageName', from, `Stage name should not use the same name as reserved stage ${JSON.stringify(written)}`)
}

function checkPlatform(from: FromInstruction, warn: Warn): void {
  const { platform, name = '' } = from
  if (platform === undefined) return
  if (platform === '$TARGETPLATFORM' || platform === '${TARGETPLATFORM}') {
    warn('RedundantTargetPlatform', from, `Setting platform to predefined ${platform} in FROM is redundant as this is the default behavior`)
  }
  // A stage that is named after its platform is meant so.
  const isNamedSo = platform.split('/').some((part) => part !== '' && name.toLowerCase().includes(part.toLowerCase()))
  if (!platform.includes('$') && !isNamedSo) warn('FromPlatformFlagConstDisallowed', from, `FROM --platform flag should not use constant value ${JSON.stringify(platform)}`)
}

function checkArguments({ globalArgs, escape }: Dockerfile, from: FromInstruction, warn: Warn): void {
  const declared = globalArgs.filter(({ start }) => start < from.start).flatMap(({ args }) => args.map(({ name }) => name))
  const known = [...declared, ...predefined]
  const missing = new Set<string>()
  for (const text of [from.platform ?? '', from.image]) {
    const unset = (name: string): void => void missing.add(name)
    try {
      expandWord(text, { escape, variables: (name) => (known.includes(name) ? 'x' : undefined), unset })
    } catch {
      // What is wrong with the word itself, planning tells.
    }
  }
  for (const name of missing) warn('UndefinedArgInFrom', from, `FROM argument '${name}' is not declared${suggestion(name, known)}`)
}

/** Whoever builds without --build-arg gets the default values. */
function checkDefault({ globalArgs, escape }: Dockerfile, from: FromInstruction, warn: Warn): void {
  if (!from.image.includes('$')) return
  const values = new Map<string, string>(predefined.map((name) => [name, 'x']))
  const expand = (text: string): string => expandWord(text, { escape, variables: (name) => values.get(name) })
  try {
    for (const { args, start } of globalArgs) {
      if (start > from.start) continue
      for (const { name, value } of args) if (value !== undefined) values.set(name, expand(value))
    }
    if (isReference(expand(from.image))) return
  } catch {
    // A default that cannot be read gives no name either.
  }
  warn('InvalidDefaultArgInFrom', from, `Default value for ARG ${from.image} results in empty or invalid base image name`)
}

function isReference(name: string): boolean {
  try {
    parseReference(name)
    return name !== ''
  } catch {
    return false
  }
}
