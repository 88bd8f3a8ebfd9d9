import { mkdirSync, rmdirSync, statSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { cgroupDirectory, type CgroupLayout } from '../../kernel/cgroup/layout.ts'
import { requestTypes, type CriuOptions } from '../../kernel/criu/messages.ts'
import { criuArguments, findCriu, firstGiven, programLeaves, startCriu, type CriuWorker } from '../../kernel/criu/worker.ts'
import { linuxKernel } from '../../kernel/linux.ts'
import { encodeProgram } from '../../kernel/program-codec.ts'
import type { Program } from '../../kernel/program.ts'
import { GantryError } from '../../lib/errors.ts'
import { flag, type Arguments } from '../arguments.ts'
import { endCgroup, placeContainer, type PlacedContainer } from '../container-cgroup.ts'
import { forget, reserve, save, saveCgroup, startTimeOf, type ContainerRecord, type StoredContainer } from '../container-store.ts'
import { runHooks } from '../hooks.ts'
import { readSpec, stateOf } from '../lifecycle.ts'
import type { OciSpec } from '../spec.ts'
import { pipesOf } from './descriptors.ts'
import { criuFailure } from './failure.ts'
import { givenNamespaces, outsideMounts } from './outside.ts'
import { restoreProgram } from './restore-program.ts'
import { commonOptions, openPlaces } from './settings.ts'

const logFile = 'restore.log'

export interface RestoreContainer {
  root: string
  id: string
  bundle: string
  systemd: boolean
  args: Arguments
  /** Gets the master of its terminal. */
  takeTerminal(master: number): void
}

/** Makes a container out of a checkpoint. Its first process is a child of this one. Leaves nothing when it fails. */
export async function restoreContainer(options: RestoreContainer): Promise<StoredContainer> {
  const { root, id, systemd, args } = options
  const criu = findCriu('restore')
  const bundle = resolve(options.bundle)
  const { text, spec, rootfs } = readSpec(bundle)
  const places = openPlaces(args, false)
  const common = commonOptions(args, spec)
  const security = labels(args)
  const pipes = pipesOf(places.images)
  const namespaces = givenNamespaces(spec)
  const directory = reserve(root, id)
  let placed: PlacedContainer | undefined
  let worker: CriuWorker | undefined
  try {
    writeFileSync(join(directory, 'config.json'), text)
    placed = await placeContainer(spec, id, systemd)
    const { layout, path, resources, recorded, settle } = placed
    saveCgroup(directory, recorded)
    const top = join(directory, 'root')
    mkdirSync(top)
    const program = restoreProgram({ rootfs, root: top, images: places.images, work: places.work, mounts: spec.mounts ?? [], layout, cgroupPath: path, resources, criu, argv: criuArguments, isDirectory: isHostDirectory })
    writeFileSync(join(directory, 'program'), encodeProgram(program), { mode: 0o600 })
    worker = startInside(program, namespaces.open, { layout, path })
    const given = [...pipes, ...namespaces.open.map(({ key }, index) => ({ key, descriptor: 3 + index }))]
    const request: CriuOptions = {
      ...common, images_dir_fd: programLeaves.images, work_dir_fd: programLeaves.work, log_file: logFile,
      root: top, rst_sibling: true, evasive_devices: true,
      ...security,
      ext_mnt: outsideMounts(linuxKernel, spec, rootfs).map(({ destination, source }) => ({ key: destination, val: source })),
      inherit_fd: given.map(({ key, descriptor }) => ({ key, fd: firstGiven + descriptor })),
      join_ns: namespaces.join,
      cg_root: layout.hierarchies.map(({ version, controllers }) => ({ ctrl: version === 2 ? '' : controllers.join(','), path })),
    }
    const recordOf = (pid: number): ContainerRecord => ({
      ociVersion: spec.ociVersion, id, init_process_pid: pid, init_process_start: startTimeOf(pid), bundle, rootfs, ...recorded, created: new Date().toISOString(),
      ...(spec.annotations === undefined ? {} : { annotations: spec.annotations }),
    })
    const answer = await worker.ask({ type: requestTypes.restore, opts: request }, async ({ script, pid, descriptor }) => {
      if (script === 'orphan-pts-master' && descriptor !== undefined) options.takeTerminal(descriptor)
      if (script === 'setup-namespaces') await runOuterHooks(spec, recordOf(pid))
    })
    if (!answer.success || answer.restore === undefined) {
      await worker.end()
      throw criuFailure({ act: 'restore', id, log: join(places.work, logFile), stderr: worker.stderr() })
    }
    await worker.end()
    await settle()
    rmdirSync(top)
    const record = recordOf(answer.restore.pid)
    save(directory, record)
    return { directory, record }
  } catch (error) {
    await worker?.end()
    await placed?.settle().catch(() => {})
    if (placed !== undefined) await endCgroup(placed.recorded).catch(() => {}) // the first failure is the one to show
    forget(directory)
    throw error
  }
}

/** criu, and with it what it restores, is in the container's cgroup. Its own descriptors 0 and 1 are the caller's, for --shell-job. */
function startInside(program: Program, open: readonly { descriptor: number }[], { layout, path }: { layout: CgroupLayout; path: string }): CriuWorker {
  const worker = startCriu(linuxKernel, { program, stdio: [0, 1], descriptors: [0, 1, 2, ...open.map(({ descriptor }) => descriptor)] })
  for (const hierarchy of layout.hierarchies) moveTo(join(cgroupDirectory(hierarchy, path), 'cgroup.procs'), worker.pid)
  return worker
}

function moveTo(file: string, pid: number): void {
  try {
    writeFileSync(file, String(pid))
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error // it has ended, and will be asked in vain
  }
}

async function runOuterHooks(spec: OciSpec, record: ContainerRecord): Promise<void> {
  const state = stateOf(record, 'creating', record.init_process_pid)
  await runHooks(linuxKernel, spec.hooks?.prestart, state)
  await runHooks(linuxKernel, spec.hooks?.createRuntime, state)
}

function labels(args: Arguments): CriuOptions {
  const [profile, context] = [flag(args, 'lsm-profile'), flag(args, 'lsm-mount-context')]
  if (profile && !/^(apparmor|selinux):./.test(profile)) throw new GantryError('InvalidParameter', `invalid --lsm-profile ${profile}: it must be apparmor:NAME or selinux:LABEL`)
  return { ...(profile ? { lsm_profile: profile } : {}), ...(context ? { lsm_mount_context: context } : {}) }
}

/** What is not there is made as a file, and criu says that its source is missing. */
function isHostDirectory(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() === true
}
