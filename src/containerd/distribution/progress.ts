import type { Progress } from './contract.ts'

/** Milliseconds between two messages of one layer's bar. */
const pause = 100

/** 12 hexadecimal digits, as layers are called in progress. */
export function shortDigest(digest: string): string {
  return digest.slice(digest.indexOf(':') + 1).slice(0, 12)
}

/** A message without a bar; empty details, as Docker sends them, keep clients' lines apart. */
export function step(progress: Progress, id: string, status: string): void {
  progress({ status, progressDetail: {}, id })
}

/** Reports how far something has come, not too often. */
export function bar(progress: Progress, line: { id: string; status: string; total: number }): (current: number) => void {
  let last = 0
  return (current) => {
    const now = Date.now()
    if (now - last < pause && current < line.total) return
    last = now
    progress({ status: line.status, progressDetail: { current, ...(line.total > 0 && { total: line.total }) }, id: line.id })
  }
}
