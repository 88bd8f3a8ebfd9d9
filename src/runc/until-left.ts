import { setTimeout as sleep } from 'node:timers/promises'
import { startTimeOf } from './container-store.ts'

/**
 * Comes back when the outer process of a program has ended, so that what it made belongs to the caller, who may wait for it at once
 * (buildah does). It is on its way out, so that there is next to nothing to wait for.
 */
export async function untilLeft(outer: number): Promise<void> {
  const begun = startTimeOf(outer)
  if (begun < 0) return
  const goesOn = (): boolean => startTimeOf(outer) === begun
  while (goesOn()) await sleep(1)
}
