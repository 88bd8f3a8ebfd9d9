import { spawn } from 'node:child_process'
import { once } from 'node:events'

/** A process that keeps a scope: one without any stops. */
export interface ScopeHolder {
  pid: number
  /** Comes back when it has gone. */
  release(): Promise<void>
}

/** One that waits for the end of its input, which comes with our own end at the latest. */
export async function holdScope(): Promise<ScopeHolder> {
  const child = spawn('cat', { stdio: ['pipe', 'ignore', 'ignore'], cwd: '/', env: { PATH: process.env['PATH'] ?? '/usr/bin:/bin' } })
  // Its pipe breaks when somebody kills it.
  child.stdin.on('error', () => {})
  await once(child, 'spawn')
  const gone = new Promise<void>((resolve) => void child.once('exit', () => resolve()))
  return {
    pid: child.pid!,
    release: () => {
      child.stdin.end()
      return gone
    },
  }
}
