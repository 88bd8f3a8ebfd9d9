import { GantryError } from '../../lib/errors.ts'
import type { ContainerConfig, HealthConfig } from '../types/container-config.ts'

const millisecond = 1_000_000
const defaults = { interval: 30_000, timeout: 30_000, startInterval: 5_000 }
const defaultShell = ['/bin/sh', '-c']

/** What is run to see whether a container is healthy; undefined when nothing is, also for a kind of test that nobody knows. */
export function probeCommand({ Healthcheck, Shell }: Pick<ContainerConfig, 'Healthcheck' | 'Shell'>): string[] | undefined {
  const [kind, ...words] = Healthcheck?.Test ?? []
  if (kind === 'CMD') return words
  return kind === 'CMD-SHELL' ? [...(Shell?.length ? Shell : defaultShell), ...words] : undefined
}

/** Milliseconds a probe may take. */
export function probeTimeout({ Timeout = 0 }: HealthConfig): number {
  return Timeout === 0 ? defaults.timeout : Timeout / millisecond
}

/** Milliseconds until the next probe. While a container starts up it is asked more often, until it is healthy. */
export function probeInterval({ Interval = 0, StartPeriod = 0, StartInterval = 0 }: HealthConfig, { starting, ranFor }: { starting: boolean; ranFor: number }): number {
  if (starting && ranFor < StartPeriod / millisecond) return StartInterval === 0 ? defaults.startInterval : StartInterval / millisecond
  return Interval === 0 ? defaults.interval : Interval / millisecond
}

/** A request's health check completed from the image's: what it leaves unset is inherited. */
export function mergeHealthcheck(request: HealthConfig | null | undefined, image: HealthConfig | null | undefined): HealthConfig | null | undefined {
  if (!request || !image) return request ?? image
  const set = Object.fromEntries(Object.entries(request).filter(([, value]) => (Array.isArray(value) ? value.length > 0 : Boolean(value))))
  return { ...image, ...set }
}

const durations = ['Interval', 'Timeout', 'StartPeriod', 'StartInterval'] as const

/** @throws InvalidParameter with Docker's text */
export function checkHealthcheck(config: HealthConfig | null | undefined): void {
  if (!config) return
  for (const field of durations) {
    const value = config[field] ?? 0
    if (value !== 0 && value < millisecond) throw new GantryError('InvalidParameter', `${field} in Healthcheck cannot be less than 1ms`)
  }
  if ((config.Retries ?? 0) < 0) throw new GantryError('InvalidParameter', 'Retries in Healthcheck cannot be negative')
}
