import type { WaitCondition } from '../engine.ts'
import type { Container } from './container.ts'
import type { WaitResult } from './waiters.ts'

/** A container that does not run satisfies `not-running` at once, with the status of its last run. */
export async function waitContainer(container: Container, options: { condition: WaitCondition; registered: () => void; signal?: AbortSignal }): Promise<WaitResult> {
  const result = waitFor(container, options)
  options.registered()
  return result
}

function waitFor(container: Container, { condition, signal }: { condition: WaitCondition; signal?: AbortSignal }): Promise<WaitResult> {
  if (condition === 'removed') return container.waiters.removal(signal)
  if (condition === 'not-running' && !container.state.Running) {
    const { ExitCode, Error } = container.state
    return Promise.resolve({ StatusCode: ExitCode, ...(Error === '' ? {} : { Error: { Message: Error } }) })
  }
  return container.waiters.nextExit(signal)
}
