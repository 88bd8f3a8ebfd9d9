import { closeSync, existsSync, openSync, readFileSync, writeFileSync, writeSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { detectLayout } from '../kernel/cgroup/layout.ts'
import { prepareParents } from '../kernel/cgroup/parents.ts'
import { killAll } from '../kernel/cgroup/processes.ts'
import { removeCgroup } from '../kernel/cgroup/remove.ts'
import { linuxKernel } from '../kernel/linux.ts'
import type { Program } from '../kernel/program.ts'
import { encodeProgram } from '../kernel/program-codec.ts'
import { runProgram, type ProgramRun } from '../kernel/program-run.ts'
import { GantryError, messageOf } from '../lib/errors.ts'
import { parseJson } from '../lib/json.ts'
import { cgroupOf } from './cgroup-path.ts'
import { compileContainer } from './compile-container.ts'
import { addHome } from './home.ts'
import { runHooks, tryHooks } from './hooks.ts'
import { directoryOf, forget, loadSpec, reserve, save, startTimeOf, type ContainerRecord, type StoredContainer } from './container-store.ts'
import type { DetachedPlan } from './detached-side.ts'
import { removeIntelRdt } from './intel-rdt.ts'
import { moveNetDevices } from './net-devices.ts'
import type { OciSpec, OciState } from './spec.ts'
import { useFilterStore } from './filter-store.ts'
import { startError } from './start-error.ts'
import { releaseProcess } from './start-client.ts'

export interface CreateContainer {
  root: string
  id: string
  bundle: string
  /** How its process is tied to this one, given its specification. */
  plan(spec: OciSpec): DetachedPlan
}

export interface CreatedContainer extends StoredContainer {
  spec: OciSpec
  program: Program
  run: ProgramRun
}

/** Makes a container from a bundle; its process waits for `startContainer`. Leaves nothing when it fails. */
export async function createContainer(options: CreateContainer): Promise<CreatedContainer> {
  const { root, id } = options
  const bundle = resolve(options.bundle)
  const text = readText(join(bundle, 'config.json'))
  const parsed = parseSpec(text)
  const rootfs = resolve(bundle, parsed.root?.path ?? 'rootfs')
  const spec = withHome(parsed, rootfs)
  const cgroup = cgroupOf(spec, id)
  const plan = options.plan(spec)
  useFilterStore()
  const layout = detectLayout()
  const directory = reserve(root, id)
  let run: ProgramRun | undefined
  try {
    writeFileSync(join(directory, 'config.json'), text)
    prepareParents(layout, cgroup)
    const terminal = spec.process?.terminal === true
    const program = compileContainer({ spec, rootfs, layout, cgroupPath: cgroup, directory, stdio: { terminal, stdin: false }, detached: plan, identity: { id, bundle } })
    run = runSavedProgram(program, join(directory, 'program'), plan.preserved)
    const { annotations, ociVersion } = spec
    const created = new Date().toISOString()
    const record: ContainerRecord = { ociVersion, id, init_process_pid: run.pid, init_process_start: startTimeOf(run.pid), bundle, rootfs, cgroup, created, annotations }
    moveNetDevices(linuxKernel, spec.linux?.netDevices, run.pid)
    if (spec.hooks !== undefined) {
      const state = stateOf(record, 'creating', run.pid)
      await runHooks(linuxKernel, spec.hooks.prestart, state)
      await runHooks(linuxKernel, spec.hooks.createRuntime, state)
    }
    save(directory, record)
    return { directory, record, spec, program, run }
  } catch (error) {
    if (run !== undefined) await killAll(layout, cgroup).catch(() => {})
    await removeCgroup(layout, cgroup).catch(() => {}) // the first failure is the one to show
    forget(directory)
    throw startError(error, spec.process?.args?.[0] ?? '')
  }
}

/** Comes back when the process has executed its command. @returns what went wrong without an effect on the container */
export async function startContainer({ directory, record }: StoredContainer, spec: OciSpec): Promise<string[]> {
  try {
    releaseProcess(directory)
  } catch (error) {
    throw startError(error, spec.process?.args[0] ?? '')
  }
  if (spec.hooks?.poststart === undefined) return []
  return tryHooks(linuxKernel, spec.hooks.poststart, stateOf(record, 'running', record.init_process_pid))
}

/** Kills what is left of it and removes cgroup and records. @returns what went wrong without an effect on that */
export async function deleteContainer({ directory, record }: StoredContainer): Promise<string[]> {
  const layout = detectLayout()
  await killAll(layout, record.cgroup)
  await removeCgroup(layout, record.cgroup)
  const { hooks, linux } = loadSpec(directory)
  removeIntelRdt(linux?.intelRdt, record.id)
  forget(directory)
  return hooks?.poststop === undefined ? [] : tryHooks(linuxKernel, hooks.poststop, stateOf(record, 'stopped', 0))
}

/** What a create that was killed on its way has left: processes, cgroup, its name. Fine when there is nothing. */
export async function deleteUnfinished(root: string, id: string): Promise<void> {
  const directory = directoryOf(root, id)
  if (!existsSync(directory)) return
  if (existsSync(join(directory, 'config.json'))) {
    const layout = detectLayout()
    const cgroup = cgroupOf(loadSpec(directory), id)
    await killAll(layout, cgroup)
    await removeCgroup(layout, cgroup)
  }
  forget(directory)
}

function stateOf({ ociVersion, id, bundle, annotations }: ContainerRecord, status: OciState['status'], pid: number): OciState {
  return { ociVersion, id, status, pid, bundle, ...(annotations === undefined ? {} : { annotations }) }
}

function withHome(spec: OciSpec, rootfs: string): OciSpec {
  return spec.process === undefined ? spec : { ...spec, process: addHome(linuxKernel, spec.process, rootfs) }
}

/** The file stays, to explain the container and its failures. */
function runSavedProgram(program: Program, path: string, preserved: number): ProgramRun {
  const file = openSync(path, 'w+', 0o600)
  try {
    writeSync(file, encodeProgram(program))
    return runProgram(linuxKernel, { program, file, preserved })
  } finally {
    closeSync(file)
  }
}

function readText(file: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code !== 'ENOENT') throw cause
    throw new GantryError('InvalidParameter', `JSON specification file ${file} not found`, { cause })
  }
}

function parseSpec(text: string): OciSpec {
  try {
    return parseJson(text) as OciSpec
  } catch (cause) {
    throw new GantryError('InvalidParameter', `cannot read config.json: ${messageOf(cause)}`, { cause })
  }
}
