import type { HealthConfig } from '../types/container-config.ts'

/** State.Health of the Engine API (v1.51, definitions/Health). */
export interface Health {
  Status: 'starting' | 'healthy' | 'unhealthy'
  /** Failures in a row. */
  FailingStreak: number
  /** The last five, the latest last. */
  Log: ProbeResult[]
}

export interface ProbeResult {
  /** RFC 3339. */
  Start: string
  End: string
  /** 0 is healthy, -1 a probe that did not run or took too long, anything else unhealthy. */
  ExitCode: number
  Output: string
}

const keptResults = 5
const defaultRetries = 3

/** What a new run begins with; results of runs before stay in the log. */
export function startingHealth(before: Health | undefined): Health {
  return { Status: 'starting', FailingStreak: 0, Log: before?.Log ?? [] }
}

/** Health after one more result. Failures do not count while the container starts up. */
export function healthAfter(health: Health, result: ProbeResult, { config, startedAt }: { config: HealthConfig; startedAt: string }): Health {
  const Log = [...health.Log, result].slice(-keptResults)
  if (result.ExitCode === 0) return { Status: 'healthy', FailingStreak: 0, Log }
  const starts = health.Status === 'starting' && Date.parse(result.Start) - Date.parse(startedAt) < (config.StartPeriod ?? 0) / 1e6
  if (starts) return { ...health, Log }
  const FailingStreak = health.FailingStreak + 1
  const retries = config.Retries !== undefined && config.Retries > 0 ? config.Retries : defaultRetries
  return { Status: FailingStreak >= retries ? 'unhealthy' : health.Status, FailingStreak, Log }
}

/** In the STATUS column of `docker ps`: " (healthy)", or nothing. */
export function healthText(health: Health | undefined): string {
  if (health === undefined) return ''
  return ` (${health.Status === 'starting' ? 'health: starting' : health.Status})`
}
