import { setTimeout as sleep } from 'node:timers/promises'
import { NetworkError } from './network-error.ts'
import { RegistryError } from './registry-error.ts'

/** A small request is tried this often, and waits this long, doubled each time. */
const attempts = 3
const firstPause = 300
/** A registry that wants longer pauses than this gets none: the user should know. Seconds. */
const longestWait = 30

/** Tries again what failed by chance: a broken connection, a registry that is busy. */
export async function retried<Result>(act: () => Promise<Result>, signal: AbortSignal | undefined): Promise<Result> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await act()
    } catch (error) {
      if (attempt === attempts || !isPassing(error) || signal?.aborted) throw error
      await sleep(firstPause * 2 ** (attempt - 1), undefined, { signal })
    }
  }
}

/** May it go well in a moment? A rate limit with a long wait is no such thing. */
export function isPassing(error: unknown): boolean {
  if (error instanceof RegistryError) return error.isPassing && error.status !== 429 ? true : error.status === 429 && (error.retryAfter ?? Infinity) <= longestWait
  return error instanceof NetworkError && error.isPassing
}

/** Waits, and tells each second how many are left: "Retrying in 3 seconds". */
export async function pauseFor(seconds: number, tell: (status: string) => void, signal: AbortSignal | undefined): Promise<void> {
  for (let left = Math.ceil(seconds); left > 0; left--) {
    tell(`Retrying in ${left} second${left === 1 ? '' : 's'}`)
    await sleep(1000, undefined, { signal })
  }
}

/** Seconds before the attempt after this one: 1, 2, 4 … or what the registry asked for. */
export function pauseAfter(attempt: number, error: unknown): number {
  const asked = error instanceof RegistryError ? error.retryAfter : undefined
  return Math.min(longestWait, Math.max(asked ?? 0, 2 ** (attempt - 1)))
}
