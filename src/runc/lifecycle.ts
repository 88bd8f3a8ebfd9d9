import { readFileSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { detectLayout } from '../kernel/cgroup/layout.ts'
import { prepareParents } from '../kernel/cgroup/parents.ts'
import { killAll } from '../kernel/cgroup/processes.ts'
import { removeCgroup } from '../kernel/cgroup/remove.ts'
import { linuxKernel } from '../kernel/linux.ts'
import type { Program } from '../kernel/program.ts'
import { encodeProgram } from '../kernel/program-codec.ts'
import { GantryError } from '../lib/errors.ts'
import type { Monitor } from '../shim/monitor.ts'
import { openMonitor } from '../shim/monitor-client.ts'
import { compileContainer } from './compile-container.ts'
import { forget, load, reserve, save, startTimeOf, type ContainerRecord } from './container-store.ts'
import type { OciSpec } from './spec.ts'
import { startError } from './start-error.ts'

export interface CreatedContainer {
  directory: string
  record: ContainerRecord
  spec: OciSpec
  monitor: Monitor
}

/** Makes a container from a bundle; its process waits for `startContainer`. Leaves nothing when it fails. */
export async function createContainer(root: string, id: string, bundlePath: string, stdin: boolean): Promise<CreatedContainer> {
  const bundle = resolve(bundlePath)
  const spec = readSpec(bundle)
  const directory = reserve(root, id)
  const cgroup = cgroupOf(spec, id)
  const layout = detectLayout()
  try {
    writeFileSync(join(directory, 'config.json'), JSON.stringify(spec))
    prepareParents(layout, cgroup)
    const rootfs = resolve(bundle, spec.root?.path ?? 'rootfs')
    const stdio = { terminal: spec.process?.terminal === true, stdin }
    const monitor = await startProgram(compileContainer({ spec, rootfs, layout, cgroupPath: cgroup, directory, stdio }), directory)
    const { annotations, ociVersion } = spec
    const created = new Date().toISOString()
    const record: ContainerRecord = { ociVersion, id, pid: monitor.pid, startTime: startTimeOf(monitor.pid), bundle, rootfs, cgroup, created, started: false, annotations }
    save(directory, record)
    return { directory, record, spec, monitor }
  } catch (error) {
    await removeCgroup(layout, cgroup).catch(() => {}) // the first failure is the one to show
    forget(directory)
    throw error
  }
}

export async function startContainer(container: CreatedContainer): Promise<void> {
  save(container.directory, { ...container.record, started: true })
  try {
    await container.monitor.start()
  } catch (error) {
    throw startError(error, container.spec.process?.args[0] ?? '')
  }
}

/** Kills what is left of it and removes cgroup and records. */
export async function deleteContainer(root: string, id: string): Promise<void> {
  const { directory, record } = load(root, id)
  const layout = detectLayout()
  await killAll(layout, record.cgroup)
  await removeCgroup(layout, record.cgroup)
  forget(directory)
}

/** Runs a program whose files are in `directory` and connects to its monitor. */
export async function startProgram(program: Program, directory: string): Promise<Monitor> {
  const programPath = join(directory, 'program')
  writeFileSync(programPath, encodeProgram(program))
  const { pid, executed } = await linuxKernel.spawnMonitor({ programPath })
  return openMonitor({ directory, pid, executed })
}

function readSpec(bundle: string): OciSpec {
  const file = join(bundle, 'config.json')
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as OciSpec
  } catch (cause) {
    throw new GantryError('InvalidParameter', `cannot read ${file}: ${String(cause)}`, { cause })
  }
}

function cgroupOf(spec: OciSpec, id: string): string {
  const path = spec.linux?.cgroupsPath
  if (path === undefined || path === '') return `/gantry-runc/${id}`
  if (/^[^/]*:[^/]*:[^/]*$/.test(path)) throw new GantryError('NotImplemented', `not implemented yet: cgroupsPath of systemd: ${path}`)
  return path.startsWith('/') ? path : `/gantry-runc/${path}`
}
