import { setTimeout as sleep } from 'node:timers/promises'

/** Calls `check` until it stops throwing, or fails with its last error. Times in milliseconds. */
export async function eventually<T>(check: () => T | Promise<T>, timeout = 10_000, pause = 50): Promise<T> {
  const end = Date.now() + timeout
  for (;;) {
    try {
      return await check()
    } catch (error) {
      if (Date.now() > end) throw error
    }
    await sleep(pause)
  }
}
