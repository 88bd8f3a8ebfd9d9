import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { prepareLaunch } from '../kernel/launcher.ts'
import { linuxKernel } from '../kernel/linux.ts'
import type { Program } from '../kernel/program.ts'
import { encodeProgram } from '../kernel/program-codec.ts'
import { launchProgram, type LaunchProgram, type ProgramRun } from '../kernel/program-run.ts'
import { GantryError, messageOf } from '../lib/errors.ts'
import { ifThere } from '../lib/if-there.ts'
import { parseJson } from '../lib/json.ts'
import { compileContainer } from './compile-container.ts'
import { endCgroup, pidsOf, placeContainer, type PlacedContainer } from './container-cgroup.ts'
import { unknownCapabilities } from './capabilities.ts'
import { addHome } from './home.ts'
import { runHooks, tryHooks } from './hooks.ts'
import { directoryOf, forget, loadCgroup, loadSpec, reserve, save, saveCgroup, startTimeOf, type ContainerRecord, type StoredContainer } from './container-store.ts'
import type { DetachedPlan } from './detached-side.ts'
import { removeIntelRdt } from './intel-rdt.ts'
import { limitTooLow } from './limit-too-low.ts'
import { withListenDescriptors } from './listen-descriptors.ts'
import { withNotifySocket } from './notify-socket.ts'
import { moveNetDevices } from './net-devices.ts'
import { warn } from './output.ts'
import type { OciResources, OciSpec, OciState } from './spec.ts'
import { useFilterStore } from './filter-store.ts'
import { commandLineStartError } from './start-error.ts'
import { releaseProcess } from './start-client.ts'
import { untilLeft } from './until-left.ts'
import { validateSpec, type ValidSpec } from './validate.ts'

export interface CreateContainer {
  root: string
  id: string
  bundle: string
  /** systemd makes its cgroup (--systemd-cgroup). */
  systemd: boolean
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
  const { root, id, systemd } = options
  const bundle = resolve(options.bundle)
  const { text, spec: parsed, rootfs } = readSpec(bundle)
  const spec = withHome(parsed, rootfs)
  const plan = { ...options.plan(spec), hooks: hasHooksOutside(spec) }
  warn(unknownCapabilities(spec.process?.capabilities))
  useFilterStore()
  const directory = reserve(root, id)
  let placed: PlacedContainer | undefined
  try {
    writeFileSync(join(directory, 'config.json'), text)
    placed = await placeContainer(spec, id, systemd)
    const { layout, path, resources, recorded, settle } = placed
    prepareLaunch(3 + plan.preserved)
    saveCgroup(directory, recorded)
    const terminal = spec.process?.terminal === true
    const program = compileContainer({ spec: withNotifySocket(withResources(spec, resources), directory), rootfs, layout, cgroupPath: path, directory, stdio: { terminal, stdin: false }, detached: plan, identity: { id, bundle } })
    const { annotations, ociVersion, hooks } = spec
    let created = ''
    const recordOf = (pid: number): ContainerRecord => ({ ociVersion, id, init_process_pid: pid, init_process_start: startTimeOf(pid), bundle, rootfs, ...recorded, created, annotations })
    const prepared = async (pid: number): Promise<void> => {
      const state = stateOf(recordOf(pid), 'creating', pid)
      await runHooks(linuxKernel, hooks?.prestart, state)
      await runHooks(linuxKernel, hooks?.createRuntime, state)
    }
    const run = await runSavedProgram({ program, path: join(directory, 'program'), preserved: plan.preserved, prepared, meanwhile: () => (created = new Date().toISOString()) })
    if (!plan.stays) await untilLeft(run.outer)
    await settle()
    moveNetDevices(linuxKernel, spec.linux?.netDevices, run.pid)
    const record = recordOf(run.pid)
    save(directory, record)
    return { directory, record, spec, program, run }
  } catch (thrown) {
    const error = placed === undefined ? thrown : limitTooLow(thrown, spec, placed)
    await placed?.settle().catch(() => {})
    if (placed !== undefined) await endCgroup(placed.recorded).catch(() => {}) // the first failure is the one to show
    forget(directory)
    throw commandLineStartError(error, spec.process?.args?.[0] ?? '')
  }
}

/** Comes back when the process has executed its command. @returns what went wrong without an effect on the container */
export async function startContainer({ directory, record }: StoredContainer, spec: OciSpec): Promise<string[]> {
  try {
    releaseProcess(directory)
  } catch (error) {
    throw commandLineStartError(error, spec.process?.args[0] ?? '')
  }
  if (spec.hooks?.poststart === undefined) return []
  return tryHooks(linuxKernel, spec.hooks.poststart, stateOf(record, 'running', record.init_process_pid))
}

/** Kills what is left of it and removes cgroup and records. @returns what went wrong without an effect on that */
export async function deleteContainer({ directory, record, spec }: StoredContainer & { spec?: OciSpec }): Promise<string[]> {
  await end(record)
  // Somebody else may have deleted the container meanwhile: its `run`, which saw it end.
  const known = spec ?? ifThere(() => loadSpec(directory))
  if (known === undefined) return []
  const { hooks, linux } = known
  removeIntelRdt(linux?.intelRdt, record.id)
  forget(directory)
  return hooks?.poststop === undefined ? [] : tryHooks(linuxKernel, hooks.poststop, stateOf(record, 'stopped', 0))
}

/** What a create that was killed on its way has left: processes, cgroup, its name. Fine when there is nothing. */
export async function deleteUnfinished(root: string, id: string): Promise<void> {
  const directory = directoryOf(root, id)
  if (!existsSync(directory)) return
  const recorded = loadCgroup(directory)
  if (recorded !== undefined) await endCgroup(recorded)
  forget(directory)
}

/** Without a cgroup its first process has to do: the others of its pid namespace go with that. */
async function end(record: ContainerRecord): Promise<void> {
  if (record.cgroup !== '') return endCgroup(record)
  for (let attempt = 0; attempt < 1000; attempt++) {
    const [pid] = pidsOf(record)
    if (pid === undefined) return
    process.kill(pid, 'SIGKILL')
    await sleep(10)
  }
}

/** Those that run before the root is entered. */
function hasHooksOutside({ hooks }: OciSpec): boolean {
  return [...(hooks?.prestart ?? []), ...(hooks?.createRuntime ?? [])].length > 0
}

function withResources(spec: OciSpec, resources: OciResources): OciSpec {
  return spec.linux === undefined ? spec : { ...spec, linux: { ...spec.linux, resources } }
}

export function stateOf({ ociVersion, id, bundle, annotations }: ContainerRecord, status: OciState['status'], pid: number): OciState {
  return { ociVersion, id, status, pid, bundle, ...(annotations === undefined ? {} : { annotations }) }
}

function withHome(spec: OciSpec, rootfs: string): OciSpec {
  return spec.process === undefined ? spec : { ...spec, process: withListenDescriptors(addHome(linuxKernel, spec.process, rootfs)) }
}

/** The file stays, to explain the container and its failures. */
function runSavedProgram({ path, meanwhile, ...options }: Omit<LaunchProgram, 'encoded'> & { path: string; meanwhile: () => void }): Promise<ProgramRun> {
  const encoded = encodeProgram(options.program)
  const save = (): void => {
    writeFileSync(path, encoded, { mode: 0o600 })
    meanwhile()
  }
  return launchProgram(linuxKernel, { ...options, encoded, meanwhile: save })
}

/** A bundle's specification, checked before anything is done by it, and where its root is. @throws GantryError InvalidParameter, NotImplemented */
export function readSpec(bundle: string): { text: string; spec: ValidSpec; rootfs: string } {
  const text = readText(join(bundle, 'config.json'))
  const spec = validateSpec(parseSpec(text))
  return { text, spec, rootfs: resolve(bundle, spec.root.path) }
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
