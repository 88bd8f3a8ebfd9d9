import type { HostConfig, MountPoint } from '../types/host-config.ts'
import type { OciMount } from '../../runc/spec.ts'
import { cleanPath, parseBind } from './binds.ts'
import { tmpfsOptions } from './tmpfs.ts'
import type { SpecInput } from './input.ts'

/** Flags of --tmpfs and of `--mount type=tmpfs` that the user may overrule. */
const tmpfsDefaults = ['noexec', 'nosuid', 'nodev']

/** What the user asked for with -v, --mount and --tmpfs, and anonymous volumes, in the order of their depth. */
export function userMounts(input: SpecInput): OciMount[] {
  const { hostConfig, volumes = [], inherited = [], plainReadOnly } = input
  const mounts = [
    ...volumes.map(({ source, destination, readOnly = false }) => bindMount({ source, destination, readOnly })),
    ...inherited.filter(({ Type }) => Type === 'bind').map(bindOfMountPoint),
    ...inherited.filter(({ Type }) => Type === 'tmpfs').map(tmpfsOfMountPoint),
    ...bindSources(hostConfig).map(({ bind }) => bindMount(bind)),
    ...(hostConfig.Mounts ?? []).filter(({ Type }) => Type === 'bind').map(bindOfMountPoint),
    ...(hostConfig.Mounts ?? []).filter(({ Type }) => Type === 'tmpfs').map(tmpfsOfMountPoint),
    ...Object.entries(hostConfig.Tmpfs ?? {}).map(([destination, options]) => tmpfsMount(destination, options)),
  ]
  const access = (mount: OciMount): OciMount => (plainReadOnly?.has(cleanPath(mount.destination)) === true ? { ...mount, options: mount.options?.filter((option) => option !== 'rro') } : mount)
  return mounts.map(access).toSorted((one, other) => depth(one) - depth(other))
}

/** Host paths that the engine makes at start when they are missing (a directory, mode 0755): those of -v, and of `--mount` when it says so. */
export function madeSources(hostConfig: HostConfig): string[] {
  const mounts = (hostConfig.Mounts ?? []).filter(({ Type, BindOptions }) => Type === 'bind' && BindOptions?.CreateMountpoint === true)
  return [...bindSources(hostConfig).map(({ source }) => source), ...mounts.flatMap(({ Source }) => (Source ? [Source] : []))]
}

/** The -v values that name a host path, with that path. */
export function bindSources(hostConfig: HostConfig): { source: string; bind: HostBind }[] {
  return (hostConfig.Binds ?? []).flatMap((specification) => {
    const { source, ...rest } = parseBind(specification)
    return source?.startsWith('/') ? [{ source, bind: { ...rest, source } }] : []
  })
}

interface HostBind {
  source: string
  destination: string
  readOnly: boolean
  propagation?: string
  /** Whether mounts below the source come along. */
  recursive?: boolean
  /** Whether those are read-only too when the mount is. */
  recursivelyReadOnly?: boolean
}

/**
 * "ro" alone leaves mounts below the source writable; "rro" covers them (mount_setattr with AT_RECURSIVE, Linux 5.12).
 */
export function bindMount(bind: HostBind): OciMount {
  const { source, destination, readOnly, propagation = 'rprivate', recursive = true, recursivelyReadOnly = recursive } = bind
  const access = readOnly ? ['ro', ...(recursivelyReadOnly ? ['rro'] : [])] : []
  return { destination, type: 'bind', source, options: [recursive ? 'rbind' : 'bind', ...access, propagation] }
}

function bindOfMountPoint(mount: MountPoint): OciMount {
  const options = mount.BindOptions ?? {}
  const recursive = !options.NonRecursive
  return bindMount({
    source: mount.Source ?? '',
    destination: mount.Target,
    readOnly: mount.ReadOnly ?? false,
    propagation: options.Propagation || 'rprivate',
    recursive,
    recursivelyReadOnly: recursive && !options.ReadOnlyNonRecursive,
  })
}

function tmpfsOfMountPoint(mount: MountPoint): OciMount {
  const { SizeBytes, Mode, Options } = mount.TmpfsOptions ?? {}
  const options = [
    ...(mount.ReadOnly ? ['ro'] : []),
    ...(SizeBytes ? [`size=${SizeBytes}`] : []),
    ...(Mode ? [`mode=${Mode.toString(8)}`] : []),
    ...(Options ?? []).map((option) => option.join('=')),
  ]
  return tmpfsMount(mount.Target, options.join(','))
}

function tmpfsMount(destination: string, options: string): OciMount {
  return { destination, type: 'tmpfs', source: 'tmpfs', options: tmpfsOptions(tmpfsDefaults, options) }
}

/** A mount has to come before those below it. */
function depth(mount: OciMount): number {
  return mount.destination.split('/').filter((part) => part !== '').length
}
