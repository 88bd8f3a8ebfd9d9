import { mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { GantryError } from '../lib/errors.ts'

export interface Pidfile {
  /** Removes the file when it is still ours. */
  remove(): void
}

/**
 * Takes the pidfile. One that names a process which is gone, or is no engine, is stale and is replaced.
 * @throws Conflict with dockerd's text when an engine runs
 */
export function takePidfile(path: string): Pidfile {
  const other = readPid(path)
  if (other !== undefined && other !== process.pid && isEngine(other)) {
    throw new GantryError('Conflict', `ensure gantryd is not running or delete ${path}: process with PID ${other} is still running`)
  }
  mkdirSync(dirname(path), { recursive: true })
  const half = `${path}.${process.pid}`
  writeFileSync(half, `${process.pid}`)
  renameSync(half, path)
  return {
    remove() {
      if (readPid(path) === process.pid) rmSync(path, { force: true })
    },
  }
}

function readPid(path: string): number | undefined {
  try {
    const pid = Number(readFileSync(path, 'utf8').trim())
    return Number.isSafeInteger(pid) && pid > 0 ? pid : undefined
  } catch {
    return undefined
  }
}

/** gantryd, gantryd.js, gantryd/main.ts: how the program is called installed, bundled and from its sources. */
const program = /(^|\/)gantryd(\.[cm]?js|\/main\.[jt]s)?$/

/** Process ids are used again, after a reboot surely; the command line tells an engine from a stranger. */
function isEngine(pid: number): boolean {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0').some((word) => program.test(word))
  } catch {
    return false
  }
}
