import type { FlagValues } from '../grammar/flag.ts'
import { OptionError } from './option-error.ts'

const durations = ['interval', 'timeout', 'start-period', 'start-interval'] as const

/** --health-* as a HealthConfig (durations in nanoseconds); undefined if none is given. */
export function healthcheck(flags: FlagValues): Record<string, unknown> | undefined {
  const names = ['cmd', 'retries', ...durations].map((name) => `health-${name}`)
  const given = names.some((name) => (name === 'health-cmd' ? flags.string(name) !== '' : flags.number(name) !== 0))
  if (flags.boolean('no-healthcheck')) {
    if (given) throw new OptionError('--no-healthcheck conflicts with --health-* options')
    return { Test: ['NONE'] }
  }
  if (!given) return undefined
  for (const name of ['health-interval', 'health-timeout', 'health-retries', 'health-start-period', 'health-start-interval']) {
    if (flags.has(name) && flags.number(name) < 0) throw new OptionError(`--${name} cannot be negative`)
  }
  const command = flags.string('health-cmd')
  const fields = {
    Interval: flags.number('health-interval'),
    Timeout: flags.number('health-timeout'),
    StartPeriod: flags.number('health-start-period'),
    StartInterval: flags.number('health-start-interval'),
    Retries: flags.number('health-retries'),
  }
  return {
    ...(command !== '' && { Test: ['CMD-SHELL', command] }),
    ...Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== 0)),
  }
}
