import type { LogDefaults } from '../containers/context.ts'
import type { HostConfig } from '../types/host-config.ts'

/** Where the log of a container goes: what it asks for, completed by the engine's own options where they are for the same driver or for the cache. */
export function mergeLogConfig(asked: HostConfig['LogConfig'], { driver, options }: LogDefaults): { Type: string; Config: Record<string, string> } {
  const type = asked?.Type || driver
  const inherited = Object.entries(options).filter(([name]) => type === driver || name.startsWith('cache-'))
  const config = { ...(type === 'none' ? {} : Object.fromEntries(inherited)), ...asked?.Config }
  return { Type: type, Config: Object.fromEntries(Object.entries(config).toSorted(([a], [b]) => (a < b ? -1 : 1))) }
}
