import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { GantryError } from '../../lib/errors.ts'
import { codeOf } from './code.ts'
import { cgroupDirectory, hierarchyOf, type CgroupLayout } from './layout.ts'

interface Freezer {
  file: string
  frozen: string
  thawed: string
  state(): 'frozen' | 'thawed' | 'changing'
}

/** Stops every process of a cgroup and waits until they stand still. @throws GantryError System after two seconds */
export async function freeze(layout: CgroupLayout, path: string): Promise<void> {
  await change(layout, path, 'frozen')
}

/** Lets a frozen cgroup run on. Fine when it is gone: killed while it stood still, and taken away by systemd. */
export async function thaw(layout: CgroupLayout, path: string): Promise<void> {
  try {
    await change(layout, path, 'thawed')
  } catch (error) {
    if (codeOf(error) !== 'ENOENT' && codeOf(error) !== 'ENODEV') throw error
  }
}

/** Whether a cgroup stands still. */
export function isFrozen(layout: CgroupLayout, path: string): boolean {
  return freezerOf(layout, path).state() === 'frozen'
}

async function change(layout: CgroupLayout, path: string, wanted: 'frozen' | 'thawed'): Promise<void> {
  const freezer = freezerOf(layout, path)
  for (let attempt = 0; attempt < 100; attempt++) {
    // v1 may stay FREEZING while a task forks; writing again is what the kernel's documentation prescribes.
    writeFileSync(freezer.file, freezer[wanted])
    if (freezer.state() === wanted) return
    await sleep(Math.min(1 + attempt, 25))
  }
  if (wanted === 'frozen') writeFileSync(freezer.file, freezer.thawed)
  throw new GantryError('System', `cannot ${wanted === 'frozen' ? 'freeze' : 'thaw'} cgroup ${path}: the kernel did not settle`)
}

function freezerOf(layout: CgroupLayout, path: string): Freezer {
  const v1 = hierarchyOf(layout, 'freezer')
  if (v1 !== undefined) {
    const file = join(cgroupDirectory(v1, path), 'freezer.state')
    const names: Record<string, 'frozen' | 'thawed'> = { FROZEN: 'frozen', THAWED: 'thawed' }
    return { file, frozen: 'FROZEN', thawed: 'THAWED', state: () => names[readFileSync(file, 'latin1').trim()] ?? 'changing' }
  }
  const v2 = layout.hierarchies.find((hierarchy) => hierarchy.version === 2)
  if (v2 === undefined) throw new GantryError('Unavailable', 'cannot freeze: this host has no freezer cgroup controller')
  const directory = cgroupDirectory(v2, path)
  const state = (): 'frozen' | 'thawed' => (/^frozen 1$/m.test(readFileSync(join(directory, 'cgroup.events'), 'latin1')) ? 'frozen' : 'thawed')
  return { file: join(directory, 'cgroup.freeze'), frozen: '1', thawed: '0', state }
}
