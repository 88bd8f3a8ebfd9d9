import type { Container } from './container.ts'

const firstDelay = 100
const longestDelay = 60_000
/** A run this long (milliseconds) counts as healthy: the delay begins anew. */
const healthyRun = 10_000

/** Whether the policy wants a container back that has exited. */
export function shouldRestart(container: Pick<Container, 'hostConfig' | 'hasBeenManuallyStopped' | 'restartCount'>, exitCode: number): boolean {
  if (container.hasBeenManuallyStopped) return false
  const policy = container.hostConfig.RestartPolicy
  switch (policy?.Name) {
    case 'always':
    case 'unless-stopped':
      return true
    case 'on-failure':
      return exitCode !== 0 && (policy.MaximumRetryCount === 0 || container.restartCount < policy.MaximumRetryCount)
    default:
      return false
  }
}

/** Whether a container that is not running comes back when the engine starts: "always" even after a manual stop. */
export function startsWithEngine(container: Pick<Container, 'hostConfig' | 'hasBeenManuallyStopped' | 'hasBeenStartedBefore'>): boolean {
  if (!container.hasBeenStartedBefore) return false
  const name = container.hostConfig.RestartPolicy?.Name
  return name === 'always' || (name === 'unless-stopped' && !container.hasBeenManuallyStopped)
}

/** Milliseconds until the next start: 100, doubling, at most a minute. `previous` is 0 at first. */
export function nextDelay(previous: number, ranForMilliseconds: number): number {
  if (previous === 0 || ranForMilliseconds >= healthyRun) return firstDelay
  return Math.min(previous * 2, longestDelay)
}
