import { existsSync, mkdirSync, readFileSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { detectLayout } from '../kernel/cgroup/layout.ts'
import { isFrozen } from '../kernel/cgroup/freezer.ts'
import type { SystemdUnit } from '../kernel/cgroup/systemd-unit.ts'
import { GantryError } from '../lib/errors.ts'
import { parseJson, stringifyJson } from '../lib/json.ts'
import type { OciSpec } from './spec.ts'

/**
 * What is kept of a container, in `<root>/<id>/`:
 *   state.json   this record; the names that runc's has too mean the same
 *   config.json  its specification
 *   cgroup.json  where its cgroup is, from the moment that there is one
 *   program      the program that made it
 *   s            the socket its process waits on, until it is started
 */
export interface ContainerRecord {
  ociVersion: string
  id: string
  init_process_pid: number
  /** Field 22 of /proc/<pid>/stat: tells the process from a later one with its pid. */
  init_process_start: number
  bundle: string
  rootfs: string
  /** "" when its maker had no right to make one. */
  cgroup: string
  /** Where systemd manages it. */
  unit?: SystemdUnit
  created: string
  annotations?: Record<string, string>
}

export type ContainerStatus = 'created' | 'running' | 'paused' | 'stopped'

export interface StoredContainer {
  directory: string
  record: ContainerRecord
}

/** @throws GantryError InvalidParameter for a name that is no file name, Conflict for one that is taken */
export function reserve(root: string, id: string): string {
  const directory = directoryOf(root, id)
  mkdirSync(root, { recursive: true, mode: 0o700 })
  try {
    mkdirSync(directory, { mode: 0o700 })
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code !== 'EEXIST') throw cause
    throw new GantryError('Conflict', 'container with given ID already exists', { cause })
  }
  return directory
}

export function directoryOf(root: string, id: string): string {
  if (!/^[\w+.-]+$/.test(id) || id === '.' || id === '..') throw new GantryError('InvalidParameter', 'invalid container ID format')
  return join(root, id)
}

/** @throws GantryError NotFound */
export function load(root: string, id: string): StoredContainer {
  const directory = directoryOf(root, id)
  try {
    return { directory, record: JSON.parse(readFileSync(join(directory, 'state.json'), 'utf8')) as ContainerRecord }
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code !== 'ENOENT') throw cause
    throw new GantryError('NotFound', 'container does not exist', { cause })
  }
}

export function loadSpec(directory: string): OciSpec {
  return parseJson(readFileSync(join(directory, 'config.json'), 'utf8')) as OciSpec
}

/** What a later command finds is what now holds: an update changes limits. */
export function saveSpec(directory: string, spec: OciSpec): void {
  replaceFile(join(directory, 'config.json'), stringifyJson(spec))
}

export function save(directory: string, record: ContainerRecord): void {
  replaceFile(join(directory, 'state.json'), JSON.stringify(record))
}

export function saveCgroup(directory: string, { cgroup, unit }: Pick<ContainerRecord, 'cgroup' | 'unit'>): void {
  replaceFile(join(directory, 'cgroup.json'), JSON.stringify({ cgroup, unit }))
}

/** undefined: whoever made the container was killed before it had one. */
export function loadCgroup(directory: string): Pick<ContainerRecord, 'cgroup' | 'unit'> | undefined {
  try {
    return JSON.parse(readFileSync(join(directory, 'cgroup.json'), 'utf8')) as Pick<ContainerRecord, 'cgroup' | 'unit'>
  } catch {
    return undefined
  }
}

function replaceFile(file: string, text: string): void {
  writeFileSync(`${file}.new`, text)
  renameSync(`${file}.new`, file)
}

export function ids(root: string): string[] {
  return existsSync(root) ? readdirSync(root).filter((id) => existsSync(join(root, id, 'state.json'))) : []
}

export function forget(directory: string): void {
  rmSync(directory, { recursive: true, force: true })
}

export function statusOf({ directory, record }: StoredContainer): ContainerStatus {
  if (startTimeOf(record.init_process_pid) !== record.init_process_start) return 'stopped'
  if (record.cgroup !== '' && stands(record.cgroup)) return 'paused'
  return existsSync(join(directory, 's')) ? 'created' : 'running'
}

function stands(cgroup: string): boolean {
  try {
    return isFrozen(detectLayout(), cgroup)
  } catch {
    return false // a host without a freezer, or a cgroup that is going away
  }
}

/** -1 when there is no such process, or nothing but its exit status is left of it. */
export function startTimeOf(pid: number): number {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1')
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
    return fields[0] === 'Z' || fields[0] === 'X' ? -1 : Number(fields[19])
  } catch {
    return -1
  }
}
