import { spawn } from 'node:child_process'
import { closeSync, openSync, readFileSync, rmSync } from 'node:fs'

/** Starts a process that outlives this one. */
export interface StartDaemon {
  argv: readonly [string, ...string[]]
  /** Gets the process's id. */
  pidfile: string
  /** Its standard error is appended here. */
  logfile: string
  /** Milliseconds it may take until it reports. Default 10,000. */
  timeout?: number
}

export interface StartedDaemon {
  pid: number
  /** What it wrote to descriptor 3. */
  report: string
}

// The shell leaves at once, so that the parent of the daemon is init from the first moment.
const launcher = 'pidfile=$1; shift; "$@" </dev/null >/dev/null & echo $! >"$pidfile"'

/**
 * Comes back when the process has written a line to its descriptor 3, or closed it.
 * @throws Error when it cannot be started, or says nothing within `timeout`
 */
export async function startDaemon(options: StartDaemon): Promise<StartedDaemon> {
  rmSync(options.pidfile, { force: true })
  const log = openSync(options.logfile, 'a', 0o600)
  const child = spawn('/bin/sh', ['-c', launcher, 'sh', options.pidfile, ...options.argv], {
    detached: true, cwd: '/', stdio: ['ignore', 'ignore', log, 'pipe'],
  })
  closeSync(log)
  const channel = child.stdio[3]
  if (channel === null || channel === undefined || !('setEncoding' in channel)) throw new Error('no pipe to the new process')
  const left = new Promise<void>((resolve, reject) => {
    child.once('error', reject)
    child.once('exit', () => resolve())
  })
  channel.setEncoding('utf8')
  let report = ''
  const reported = new Promise<void>((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error(`${options.argv[0]} does not report`)), options.timeout ?? 10_000)
    const settle = (): void => {
      clearTimeout(timer)
      resolve()
    }
    channel.on('data', (chunk: string) => {
      report += chunk
      // "0\n" is the whole of a success; after "1\n" comes the reason, up to the end.
      if (report.includes('\n') && !report.startsWith('1')) settle()
    })
    channel.once('close', settle)
    channel.once('error', settle)
  })
  try {
    await Promise.all([left, reported])
    return { pid: Number(readFileSync(options.pidfile, 'utf8')), report }
  } finally {
    channel.destroy()
  }
}
