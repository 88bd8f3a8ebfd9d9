import { mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { allPids, commandLine, link, read, startTime } from './processes.ts'
import { run } from './run.ts'

/**
 * A directory that belongs to one run of the tests, the demo or the benchmark, and whose `owner` file names that run by pid and
 * start time. What a killed run left is found by its dead owner and removed by the next run.
 */
const parent = '/tmp'
const prefix = 'gt-'

export function makePrivateDirectory(): string {
  const directory = mkdtempSync(path.join(parent, prefix))
  writeFileSync(path.join(directory, 'owner'), `${process.pid} ${startTime(process.pid)}\n`)
  return directory
}

/**
 * Processes that belong to a private directory: named on their command line, working in it, or with their root in it. A mount alone
 * is no proof: any new mount namespace on this machine begins with copies of all mounts.
 */
export function processesOf(directory: string): number[] {
  return allPids().filter((pid) => {
    if (pid === process.pid) return false
    if (commandLine(pid).some((word) => word.includes(`${directory}/`))) return true
    if (link(`/proc/${pid}/cwd`).startsWith(directory)) return true
    return rootMount(pid).includes(`${directory}/`)
  })
}

function rootMount(pid: number): string {
  return read(`/proc/${pid}/mountinfo`).split('\n').findLast((line) => line.split(' ')[4] === '/') ?? ''
}

export function mountsOf(directory: string): string[] {
  return read('/proc/self/mountinfo')
    .split('\n')
    .filter((line) => line.includes(directory))
    .map((line) => line.split(' ')[4] ?? '')
}

/** Ends its processes, unmounts and removes it. `ids` are containers whose cgroups may remain. */
export async function removePrivateDirectory(directory: string): Promise<void> {
  const ids = containerIds(directory)
  for (let round = 0; round < 20; round++) {
    const pids = processesOf(directory)
    if (pids.length === 0) break
    for (const pid of pids) {
      try {
        process.kill(pid, 'SIGKILL')
      } catch {
        // Ended by itself meanwhile.
      }
    }
    await sleep(100)
  }
  for (const mount of mountsOf(directory).toReversed()) await run(['umount', '-l', mount])
  for (const cgroup of await cgroupsOf(ids)) await run(['rmdir', cgroup])
  rmSync(directory, { recursive: true, force: true })
}

/** Removes what runs left whose owner is dead. */
export async function sweep(): Promise<void> {
  for (const name of readdirSync(parent)) {
    if (!name.startsWith(prefix)) continue
    const directory = path.join(parent, name)
    const owner = ownerOf(directory)
    if (owner !== undefined && startTime(owner.pid) === owner.started) continue
    // One that was made this moment has no owner written yet.
    if (owner === undefined && Date.now() - (statSync(directory, { throwIfNoEntry: false })?.mtimeMs ?? 0) < 60_000) continue
    await removePrivateDirectory(directory)
  }
}

function ownerOf(directory: string): { pid: number; started: string } | undefined {
  const [pid, started] = read(path.join(directory, 'owner')).trim().split(' ')
  return pid === undefined || started === undefined ? undefined : { pid: Number(pid), started }
}

function containerIds(directory: string): Set<string> {
  const ids = new Set<string>()
  for (const place of ['d/containers', 'x/containers']) {
    try {
      for (const name of readdirSync(path.join(directory, place))) ids.add(name)
    } catch {
      // No engine ever ran there.
    }
  }
  return ids
}

/** Cgroup directories named after one of the containers, innermost first. */
export async function cgroupsOf(ids: ReadonlySet<string>): Promise<string[]> {
  const { stdout } = await run(['find', '/sys/fs/cgroup', '-type', 'd', '-regex', '.*[0-9a-f]\\{64\\}.*'])
  return stdout
    .split('\n')
    .filter((line) => [...line.matchAll(/[0-9a-f]{64}/g)].some(([id]) => ids.has(id)))
    .toSorted((a, b) => b.length - a.length)
}
