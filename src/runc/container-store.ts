import { existsSync, mkdirSync, readFileSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { GantryError } from '../lib/errors.ts'
import type { OciSpec } from './spec.ts'

/** What is kept of a container: `<root>/<id>/state.json`, beside its `config.json` and the files of its monitor. */
export interface ContainerRecord {
  ociVersion: string
  id: string
  pid: number
  /** Field 22 of /proc/<pid>/stat: tells the process from a later one with its pid. */
  startTime: string
  bundle: string
  rootfs: string
  cgroup: string
  created: string
  started: boolean
  annotations?: Record<string, string>
}

export type ContainerStatus = 'created' | 'running' | 'stopped'

/** @throws GantryError InvalidParameter for a name that is no file name, Conflict for one that is taken */
export function reserve(root: string, id: string): string {
  const directory = directoryOf(root, id)
  mkdirSync(root, { recursive: true, mode: 0o700 })
  if (existsSync(directory)) throw new GantryError('Conflict', `container with given ID already exists: ${id}`)
  mkdirSync(directory, { mode: 0o700 })
  return directory
}

export function directoryOf(root: string, id: string): string {
  if (!/^[\w+.-]+$/.test(id) || id === '.' || id === '..') throw new GantryError('InvalidParameter', `invalid container ID: ${JSON.stringify(id)}`)
  return join(root, id)
}

/** @throws GantryError NotFound */
export function load(root: string, id: string): { directory: string; record: ContainerRecord; spec: OciSpec } {
  const directory = directoryOf(root, id)
  try {
    const read = (name: string): unknown => JSON.parse(readFileSync(join(directory, name), 'utf8'))
    return { directory, record: read('state.json') as ContainerRecord, spec: read('config.json') as OciSpec }
  } catch (cause) {
    throw new GantryError('NotFound', `container does not exist: ${id}`, { cause })
  }
}

export function save(directory: string, record: ContainerRecord): void {
  const file = join(directory, 'state.json')
  writeFileSync(`${file}.new`, JSON.stringify(record))
  renameSync(`${file}.new`, file)
}

export function ids(root: string): string[] {
  return existsSync(root) ? readdirSync(root).filter((id) => existsSync(join(root, id, 'state.json'))) : []
}

export function forget(directory: string): void {
  rmSync(directory, { recursive: true, force: true })
}

export function statusOf(record: ContainerRecord): ContainerStatus {
  if (startTimeOf(record.pid) !== record.startTime) return 'stopped'
  return record.started ? 'running' : 'created'
}

/** Empty when there is no such process, or nothing but its exit status is left of it. */
export function startTimeOf(pid: number): string {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1')
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
    return fields[0] === 'Z' ? '' : (fields[19] ?? '')
  } catch {
    return ''
  }
}
