import { existsSync, readFileSync } from 'node:fs'
import { GantryError, messageOf } from '../lib/errors.ts'
import type { FlagValue, FlagValues } from './command-line.ts'
import { flags, missingFlags, missingKeys } from './flags.ts'
import type { Flag } from './flags.ts'

const defaultPath = '/etc/gantry/daemon.json'

/**
 * Adds to the flags what daemon.json says. The same directive in both places is an error, as with dockerd.
 * The default file may be absent, a named one must be there.
 * @throws InvalidParameter
 */
export function mergeConfigFile(given: FlagValues): FlagValues {
  const named = given.get('config-file') as string | undefined
  const path = named ?? defaultPath
  if (named === undefined && !existsSync(path)) return given
  try {
    const fromFile = readConfigFile(path)
    checkConflicts(given, fromFile)
    return new Map([...given, ...fromFile])
  } catch (error) {
    throw new GantryError('InvalidParameter', `unable to configure the Docker daemon with file ${path}: ${messageOf(error)}`, { cause: error })
  }
}

function readConfigFile(path: string): FlagValues {
  const document = parse(read(path))
  const values: FlagValues = new Map()
  const unknown: string[] = []
  for (const [key, value] of Object.entries(document)) {
    const flag = flags.find((candidate) => candidate.flagOnly !== true && (candidate.key ?? candidate.name) === key)
    if (flag !== undefined) values.set(flag.name, check(flag, value))
    else if (missingKeys.has(key) || missingFlags.has(key)) throw new GantryError('NotImplemented', `not implemented yet: ${key}`)
    else unknown.push(key)
  }
  if (unknown.length > 0) {
    throw new GantryError('InvalidParameter', `the following directives don't match any configuration option: ${unknown.join(', ')}`)
  }
  return values
}

function read(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code
    throw new GantryError('InvalidParameter', `open ${path}: ${code === 'ENOENT' ? 'no such file or directory' : messageOf(error)}`, { cause: error })
  }
}

function parse(text: string): Record<string, unknown> {
  if (text.trim() === '') return {}
  const document: unknown = JSON.parse(text)
  if (typeof document !== 'object' || document === null || Array.isArray(document)) {
    throw new GantryError('InvalidParameter', 'cannot read the configuration: it is not a JSON object')
  }
  return document as Record<string, unknown>
}

function check(flag: Flag, value: unknown): FlagValue {
  const fits = {
    bool: typeof value === 'boolean',
    string: typeof value === 'string',
    int: Number.isInteger(value),
    map: typeof value === 'object' && value !== null && !Array.isArray(value),
    objects: Array.isArray(value) && value.every((element) => typeof element === 'object' && element !== null),
    list: Array.isArray(value) && value.every((element) => typeof element === 'string'),
  }[flag.kind]
  if (!fits) throw new GantryError('InvalidParameter', `cannot use ${JSON.stringify(value)} for ${flag.key ?? flag.name}: it must be a ${flag.kind}`)
  return value as FlagValue
}

function checkConflicts(given: FlagValues, fromFile: FlagValues): void {
  const conflicts = [...fromFile.keys()]
    .filter((name) => given.has(name))
    .map((name) => {
      const key = flags.find((flag) => flag.name === name)?.key ?? name
      return `${key}: (from flag: ${show(given.get(name))}, from file: ${show(fromFile.get(name))})`
    })
  if (conflicts.length === 0) return
  throw new GantryError(
    'InvalidParameter',
    `the following directives are specified both as a flag and in the configuration file: ${conflicts.join(', ')}`,
  )
}

/** As Go prints values. */
function show(value: FlagValue | undefined): string {
  if (Array.isArray(value)) return `[${value.join(' ')}]`
  return typeof value === 'object' ? JSON.stringify(value) : String(value)
}
