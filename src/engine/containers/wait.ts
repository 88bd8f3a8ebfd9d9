import type { WaitCondition } from '../engine.ts'
import type { Container } from './container.ts'
import type { WaitResult } from './waiters.ts'

/** A container that does not run satisfies `not-running` at once, with the status of its last run. */
export async function waitContainer(container: Container, condition: WaitCondition, registered: () => void): Promise<WaitResult> {
  const result = waitFor(container, condition)
  registered()
  return result
}

function waitFor(container: Container, condition: WaitCondition): Promise<WaitResult> {
  if (condition === 'removed') return container.waiters.removal()
  if (condition === 'not-running' && !container.state.Running) {
    const { ExitCode, Error } = container.state
    return Promise.resolve({ StatusCode: ExitCode, ...(Error === '' ? {} : { Error: { Message: Error } }) })
  }
  return container.waiters.nextExit()
}
