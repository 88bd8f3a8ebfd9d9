import { readFileSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { GantryError } from '../../lib/errors.ts'
import { codeOf } from './code.ts'
import { freeze, thaw } from './freezer.ts'
import { cgroupDirectory, hierarchyOf, type CgroupLayout } from './layout.ts'

/** Host pids of every process in a cgroup and below it. Empty when the cgroup is gone. */
export function listProcesses(layout: CgroupLayout, path: string): number[] {
  const hierarchy = hierarchyOf(layout, 'pids') ?? layout.hierarchies[0]!
  const pids: number[] = []
  for (const directory of tree(cgroupDirectory(hierarchy, path))) {
    for (const line of readIfThere(join(directory, 'cgroup.procs')).split('\n')) if (line !== '') pids.push(Number(line))
  }
  return pids
}

/**
 * Kills every process of a cgroup, those that are born meanwhile included, and waits until it is empty.
 * @throws GantryError System when processes are left after `timeout` milliseconds
 */
export async function killAll(layout: CgroupLayout, path: string, timeout = 10_000): Promise<void> {
  const deadline = Date.now() + timeout
  for (let pause = 1; ; pause = Math.min(pause * 2, 50)) {
    const pids = listProcesses(layout, path)
    if (pids.length === 0) return
    if (Date.now() > deadline) throw new GantryError('System', `cannot kill the processes of cgroup ${path}: ${pids.join(', ')} are left`)
    if (!killAtOnce(layout, path)) await killOneByOne(layout, path)
    await sleep(pause)
  }
}

/** v2 since Linux 5.14 has a file for it. */
function killAtOnce(layout: CgroupLayout, path: string): boolean {
  if (layout.mode !== 'v2') return false
  try {
    writeFileSync(join(cgroupDirectory(layout.hierarchies[0]!, path), 'cgroup.kill'), '1')
    return true
  } catch {
    return false
  }
}

async function killOneByOne(layout: CgroupLayout, path: string): Promise<void> {
  // Frozen processes cannot fork away from the list; the signal takes effect once they thaw.
  const frozen = await freeze(layout, path).then(
    () => true,
    () => false,
  )
  try {
    for (const pid of listProcesses(layout, path)) sendKill(pid)
  } finally {
    if (frozen) await thaw(layout, path)
  }
}

function sendKill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL')
  } catch (error) {
    if (codeOf(error) !== 'ESRCH') throw error
  }
}

/** A cgroup's directory and all below it, the deepest first. */
export function tree(directory: string): string[] {
  let children: string[]
  try {
    children = readdirSync(directory, { withFileTypes: true })
      .filter((entry) => entry.isDirectory())
      .map((entry) => entry.name)
  } catch (error) {
    if (isGone(error)) return []
    throw error
  }
  return [...children.flatMap((name) => tree(join(directory, name))), directory]
}

function readIfThere(file: string): string {
  try {
    return readFileSync(file, 'latin1')
  } catch (error) {
    // A file of a cgroup that is being removed answers ENODEV.
    if (isGone(error)) return ''
    throw error
  }
}

function isGone(error: unknown): boolean {
  return codeOf(error) === 'ENOENT' || codeOf(error) === 'ENODEV'
}
