import { readFileSync, readdirSync, readlinkSync } from 'node:fs'

/** A process as the kernel tells of it. Reading never fails: a process that is gone has empty values. */
export function read(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return ''
  }
}

export function link(path: string): string {
  try {
    return readlinkSync(path)
  } catch {
    return ''
  }
}

export function allPids(): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
}

export function alive(pid: number): boolean {
  const state = /^State:\s+(\S)/m.exec(read(`/proc/${pid}/status`))?.[1]
  return state !== undefined && state !== 'Z' && state !== 'X'
}

/** Clock ticks since boot: with the pid it names a process for good. */
export function startTime(pid: number): string {
  const stat = read(`/proc/${pid}/stat`)
  return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19] ?? ''
}

export function parentOf(pid: number): number {
  return Number(/^PPid:\s+(\d+)/m.exec(read(`/proc/${pid}/status`))?.[1] ?? 0)
}

export function commandLine(pid: number): string[] {
  return read(`/proc/${pid}/cmdline`).split('\0').slice(0, -1)
}

export function namespace(pid: number | 'self', kind: string): string {
  return link(`/proc/${pid}/ns/${kind}`)
}
