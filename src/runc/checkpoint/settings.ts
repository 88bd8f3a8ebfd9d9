import { mkdirSync, openSync, statSync } from 'node:fs'
import { isAbsolute, join, resolve } from 'node:path'
import { CLONE_NEWNET } from '../../kernel/constants/processes.ts'
import { cgroupModes, type CriuOptions } from '../../kernel/criu/messages.ts'
import { hasLauncher } from '../../kernel/launcher.ts'
import { GantryError, messageOf } from '../../lib/errors.ts'
import { flag, isSet, type Arguments, type FlagTable } from '../arguments.ts'
import type { OciSpec } from '../spec.ts'

/** Flags that `checkpoint` and `restore` have in common, as runc's. */
export const criuFlags: FlagTable = {
  ...Object.fromEntries(['image-path', 'work-path', 'manage-cgroups-mode', 'empty-ns'].map((name) => [name, { value: true }])),
  ...Object.fromEntries(['tcp-established', 'ext-unix-sk', 'shell-job', 'file-locks', 'auto-dedup', 'lazy-pages'].map((name) => [name, {}])),
}

/** Descriptors of the directories, which live as long as this process. */
export interface CriuPlaces {
  images: string
  /** Where the log is. */
  work: string
  options: Pick<CriuOptions, 'images_dir_fd' | 'work_dir_fd'>
}

const defaultImages = 'checkpoint'

/** Makes the directories that are missing, if `make`. @throws GantryError InvalidParameter */
export function openPlaces(args: Arguments, make: boolean): CriuPlaces {
  const images = resolve(flag(args, 'image-path') || defaultImages)
  const work = flag(args, 'work-path') ? resolve(flag(args, 'work-path')!) : images
  return { images, work, options: { images_dir_fd: openDirectory(images, 'image-path', make), ...(work === images ? {} : { work_dir_fd: openDirectory(work, 'work-path', true) }) } }
}

/** What both requests have. @throws GantryError InvalidParameter */
export function commonOptions(args: Arguments, spec: OciSpec): CriuOptions {
  return {
    log_level: 4, notify_scripts: true, orphan_pts_master: true,
    shell_job: isSet(args, 'shell-job'), tcp_established: isSet(args, 'tcp-established'), ext_unix_sk: isSet(args, 'ext-unix-sk'),
    file_locks: isSet(args, 'file-locks'), auto_dedup: isSet(args, 'auto-dedup'), lazy_pages: isSet(args, 'lazy-pages'),
    manage_cgroups: true, manage_cgroups_mode: cgroupMode(args), empty_ns: emptyNamespaces(args),
    // A file that criu reads when it is there; empty for none at all.
    config_file: spec.annotations?.['org.criu.config'] ?? '/etc/criu/runc.conf',
  }
}

/** --parent-path is below the images, so that both can be moved together. */
export function parentImages(args: Arguments, images: string): string | undefined {
  const parent = flag(args, 'parent-path') || undefined
  if (parent === undefined) return undefined
  if (isAbsolute(parent)) throw new GantryError('InvalidParameter', '--parent-path must be relative')
  const place = join(images, parent)
  if (statSync(place, { throwIfNoEntry: false })?.isDirectory() !== true) throw new GantryError('InvalidParameter', `invalid --parent-path: ${place} is not a directory`)
  return parent
}

export function pageServer(args: Arguments): CriuOptions['ps'] {
  const text = flag(args, 'page-server')
  if (!text) return undefined
  const [, address, port] = /^(.+):(\d+)$/.exec(text) ?? []
  if (address === undefined || Number(port) === 0 || Number(port) > 65_535) throw new GantryError('InvalidParameter', 'Use --page-server ADDRESS:PORT to specify page server')
  return { address: address.replace(/^\[(.*)\]$/, '$1'), port: Number(port) }
}

/** A descriptor of the caller, whose own this process has not where a launcher stands between. */
export function statusDescriptor(args: Arguments): number | undefined {
  const text = flag(args, 'status-fd')
  if (text === undefined || text === '-1') return undefined
  try {
    if (!/^\d+$/.test(text)) throw new Error('it is no number')
    return openSync(`/proc/${hasLauncher() ? process.ppid : 'self'}/fd/${text}`, 'w')
  } catch (cause) {
    throw new GantryError('InvalidParameter', `invalid --status-fd argument ${text}: ${messageOf(cause)}`, { cause })
  }
}

function cgroupMode(args: Arguments): number {
  const name = flag(args, 'manage-cgroups-mode') || 'soft'
  if (!Object.hasOwn(cgroupModes, name)) throw new GantryError('InvalidParameter', 'Invalid manage cgroups mode')
  return cgroupModes[name as keyof typeof cgroupModes]
}

function emptyNamespaces(args: Arguments): number {
  const name = flag(args, 'empty-ns')
  if (!name) return 0
  if (name !== 'network') throw new GantryError('InvalidParameter', `namespace ${JSON.stringify(name)} is not supported`)
  return CLONE_NEWNET
}

function openDirectory(path: string, name: string, make: boolean): number {
  try {
    if (make) mkdirSync(path, { recursive: true, mode: 0o700 })
    return openSync(path, 'r')
  } catch (cause) {
    throw new GantryError('InvalidParameter', `cannot use --${name} ${path}: ${messageOf(cause)}`, { cause })
  }
}
