import { GantryError, messageOf } from '../lib/errors.ts'
import { checkLogOptions } from '../logging/check-options.ts'
import type { FlagValues } from './command-line.ts'

/** `--log-driver` and `--log-opt`, or "log-driver" and "log-opts" of daemon.json. @throws InvalidParameter */
export function resolveLogDefaults(values: FlagValues): { driver: string; options: Record<string, string> } {
  const driver = (values.get('log-driver') as string | undefined) || 'json-file'
  const flags = (values.get('log-opt') as string[] | undefined) ?? []
  const file = (values.get('log-opts') as Record<string, unknown> | undefined) ?? {}
  for (const [name, value] of Object.entries(file)) {
    if (typeof value !== 'string') throw new GantryError('InvalidParameter', `cannot use ${JSON.stringify(value)} for log-opts ${name}: it must be a string`)
  }
  const options = { ...(file as Record<string, string>), ...Object.fromEntries(flags.map(split)) }
  try {
    checkLogOptions(driver, options)
  } catch (error) {
    throw new GantryError('InvalidParameter', `failed to set log opts: ${messageOf(error)}`, { cause: error })
  }
  return { driver, options }
}

function split(option: string): [string, string] {
  const at = option.indexOf('=')
  return at < 0 ? [option, ''] : [option.slice(0, at), option.slice(at + 1)]
}
