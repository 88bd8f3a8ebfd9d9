import { existsSync, mkdtempSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { allPids, parentOf } from '../e2e/harness/processes.ts'

/** Counts processor time of processes and of all that they will ever start, also of what has ended meanwhile: a cgroup does. */
export interface CpuAccount {
  /** Milliseconds so far, those of the containers' own cgroups included. */
  read(containers: readonly string[]): number
  close(): void
}

const mount = '/sys/fs/cgroup'
/** On a v1 or hybrid host the controller's hierarchy, else the one there is. */
const v1 = ['cpuacct', 'cpu,cpuacct'].map((name) => path.join(mount, name)).find((place) => existsSync(place))
const root = v1 ?? mount

export function cpuAccount(pids: readonly number[]): CpuAccount {
  const directory = mkdtempSync(path.join(root, 'gantry-bench-'))
  for (const pid of withDescendants(pids)) move(pid, directory)
  return {
    read: (containers) => used(directory) + containers.reduce((sum, id) => sum + used(path.join(root, 'docker', id)), 0),
    close() {
      for (const pid of members(directory)) move(pid, root)
      rmdirSync(directory)
    },
  }
}

function withDescendants(pids: readonly number[]): number[] {
  const found = new Set(pids)
  const others = allPids().map((pid) => [pid, parentOf(pid)] as const)
  for (let size = 0; size !== found.size; ) {
    size = found.size
    for (const [pid, parent] of others) if (found.has(parent)) found.add(pid)
  }
  return [...found]
}

function members(directory: string): number[] {
  return readFileSync(path.join(directory, 'cgroup.procs'), 'utf8').split('\n').filter((line) => line !== '').map(Number)
}

function move(pid: number, directory: string): void {
  try {
    writeFileSync(path.join(directory, 'cgroup.procs'), String(pid))
  } catch {
    // It has ended meanwhile.
  }
}

/** A container that has no cgroup any more counts nothing. */
function used(directory: string): number {
  if (!existsSync(directory)) return 0
  if (v1 !== undefined) return Number(readFileSync(path.join(directory, 'cpuacct.usage'), 'utf8')) / 1e6
  return Number(/^usage_usec (\d+)/m.exec(readFileSync(path.join(directory, 'cpu.stat'), 'utf8'))?.[1] ?? 0) / 1000
}
