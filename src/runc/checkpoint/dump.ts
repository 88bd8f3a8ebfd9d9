import { readdirSync, rmSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { cgroupDirectory, hierarchyOf, type CgroupLayout } from '../../kernel/cgroup/layout.ts'
import { networkLocks, requestTypes, type CriuOptions } from '../../kernel/criu/messages.ts'
import { findCriu, findProgram, startCriu, type CriuWorker } from '../../kernel/criu/worker.ts'
import { linuxKernel } from '../../kernel/linux.ts'
import { GantryError } from '../../lib/errors.ts'
import { isSet, type Arguments } from '../arguments.ts'
import { layoutOf } from '../container-cgroup.ts'
import { loadSpec, statusOf, type StoredContainer } from '../container-store.ts'
import { saveDescriptors } from './descriptors.ts'
import { criuFailure } from './failure.ts'
import { outsideMounts, outsideNamespaces } from './outside.ts'
import { commonOptions, openPlaces, pageServer, parentImages, statusDescriptor } from './settings.ts'

const logFile = 'dump.log'

/**
 * Writes a running container into images. It has ended then, unless --leave-running or --pre-dump. When that fails the container goes
 * on, and of the images nothing is left but criu's log.
 * @throws GantryError Unavailable without criu; System with criu's words
 */
export async function checkpointContainer(container: StoredContainer, args: Arguments): Promise<void> {
  const { directory, record } = container
  const status = statusOf(container)
  if (status !== 'running' && status !== 'paused') throw new GantryError('Conflict', `Container cannot be checkpointed in ${status} state`)
  findCriu('checkpoint')
  const spec = loadSpec(directory)
  const [preDump, lazy] = [isSet(args, 'pre-dump'), isSet(args, 'lazy-pages')]
  const common = commonOptions(args, spec)
  const server = pageServer(args)
  const statusFile = lazy ? statusDescriptor(args) : undefined
  if (preDump) await requireFeature('mem_track', 'pre-dump')
  if (lazy) await requireFeature('lazy_pages', 'lazy-pages')
  const places = openPlaces(args, true)
  const parent = parentImages(args, places.images)
  const options: CriuOptions = {
    ...common, ...places.options, log_file: logFile,
    pid: record.init_process_pid, root: record.rootfs, leave_running: isSet(args, 'leave-running'), link_remap: isSet(args, 'link-remap'), tcp_skip_in_flight: isSet(args, 'tcp-skip-in-flight'),
    ...freezerOf(layoutOf(record), record.cgroup),
    external: outsideNamespaces(spec),
    ...(server === undefined ? {} : { ps: server }),
    ...(parent === undefined && !preDump ? {} : { track_mem: true }),
    ...(parent === undefined ? {} : { parent_img: parent }),
    // criu locks with iptables unless told, also where there is none.
    ...(findProgram('iptables-restore') === undefined ? { network_lock: networkLocks.nftables } : {}),
    ...(preDump ? {} : { ext_mnt: outsideMounts(linuxKernel, spec, record.rootfs).map(({ destination }) => ({ key: destination, val: destination })) }),
  }
  const before = new Set(readdirSync(places.images))
  if (!preDump) saveDescriptors(places.images, record.init_process_pid)
  const worker = startCriu(linuxKernel, {})
  try {
    const answer = await worker.ask({ type: preDump ? requestTypes.preDump : requestTypes.dump, opts: options }, ({ script }) => {
      if (script === 'status-ready' && statusFile !== undefined) writeSync(statusFile, '\0')
    })
    if (!answer.success) throw await failure(worker, record.id, places.work)
  } catch (error) {
    for (const name of readdirSync(places.images)) if (!before.has(name) && name !== logFile) rmSync(join(places.images, name), { recursive: true, force: true })
    throw error
  } finally {
    await worker.end()
  }
}

async function failure(worker: CriuWorker, id: string, work: string): Promise<GantryError> {
  await worker.end()
  return criuFailure({ act: 'checkpoint', id, log: join(work, logFile), stderr: worker.stderr() })
}

/** With it criu stops the processes; else it has to catch each of them. */
function freezerOf(layout: CgroupLayout, cgroup: string): Pick<CriuOptions, 'freeze_cgroup'> {
  const hierarchy = hierarchyOf(layout, 'freezer') ?? layout.hierarchies.find(({ version }) => version === 2)
  return cgroup === '' || hierarchy === undefined ? {} : { freeze_cgroup: cgroupDirectory(hierarchy, cgroup) }
}

async function requireFeature(name: 'mem_track' | 'lazy_pages', asked: string): Promise<void> {
  const worker = startCriu(linuxKernel, {})
  try {
    const { success, features } = await worker.ask({ type: requestTypes.featureCheck, features: { mem_track: name === 'mem_track', lazy_pages: name === 'lazy_pages' } })
    // Where even the question fails, the log of the checkpoint says why.
    if (success && features?.[name] !== true) throw new GantryError('Unavailable', `cannot use --${asked}: this kernel or this criu lacks it`)
  } finally {
    await worker.end()
  }
}
