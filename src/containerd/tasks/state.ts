import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { SystemdUnit } from '../../kernel/cgroup/systemd-unit.ts'
import type { RuntimeChoice } from './contract.ts'

/** What a task leaves on disk for the next TaskService: `<exec-root>/containers/<id>/task.json`. */
export interface TaskState {
  id: string
  /** 0 until the program has made the process. */
  pid: number
  /** Field 22 of /proc/<pid>/stat, which tells a process from a later one with its pid. */
  startTime: string
  mountpoint: string
  /** "/docker/<id>" */
  cgroup: string
  /** Where systemd manages it. */
  unit?: SystemdUnit
  /** The created process has been told to execute its command. */
  started: boolean
  /** undefined: the built-in one. */
  runtime?: RuntimeChoice
  /** It comes out of a checkpoint, and is not out of it yet. */
  restoring?: true
}

export function writeState(directory: string, state: TaskState): void {
  const file = join(directory, 'task.json')
  writeFileSync(`${file}.tmp`, JSON.stringify(state))
  renameSync(`${file}.tmp`, file)
}

/** undefined when the directory is not a task's, or was left before its first state was written. */
export function readState(directory: string): TaskState | undefined {
  try {
    return JSON.parse(readFileSync(join(directory, 'task.json'), 'utf8')) as TaskState
  } catch {
    return undefined
  }
}

export function makeDirectory(directory: string): void {
  mkdirSync(directory, { recursive: true, mode: 0o700 })
}

/** undefined when there is no such process. */
export function startTimeOf(pid: number): string | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1')
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19]
  } catch {
    return undefined
  }
}
