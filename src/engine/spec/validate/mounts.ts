import { statSync } from 'node:fs'
import { GantryError } from '../../../lib/errors.ts'
import type { ContainerConfig } from '../../types/container-config.ts'
import type { HostConfig, MountPoint } from '../../types/host-config.ts'
import { isLocalPath } from '../../volumes/subpath.ts'
import { checkVolumeName } from '../../volumes/names.ts'
import { cleanPath, destinationProblem, isPropagation, parseBind } from '../binds.ts'
import { tmpfsOptions } from '../tmpfs.ts'

/**
 * -v, --mount and --tmpfs. The source of a `--mount type=bind` has to be there; that of a -v is made at start.
 * @throws InvalidParameter with Docker's text
 */
export function checkMounts(config: ContainerConfig, hostConfig: HostConfig): void {
  const destinations = [
    ...(hostConfig.Binds ?? []).map(checkBind),
    ...(hostConfig.Mounts ?? []).map(checkMountPoint),
    ...Object.entries(hostConfig.Tmpfs ?? {}).map(([destination, options]) => checkTmpfs(destination, options)),
  ]
  const seen = new Set<string>()
  for (const destination of destinations) {
    if (seen.has(destination)) throw invalid(`Duplicate mount point: ${destination}`)
    seen.add(destination)
  }
  for (const destination of Object.keys(config.Volumes ?? {})) {
    // Relative to the root, as the images of old builders have them.
    const problem = destinationProblem(`/${destination}`)
    if (problem) throw invalid(`invalid volume specification: '${destination}': invalid mount config for type "volume": ${problem}`)
  }
}

function checkBind(specification: string): string {
  const { source, destination } = parseBind(specification)
  if (source !== undefined && !source.startsWith('/')) checkVolumeName(source)
  return destination
}

const checks: Record<string, (mount: MountPoint) => string | undefined> = { bind: bindProblem, volume: volumeProblem, tmpfs: tmpfsProblem, image: imageProblem }

/** @returns its place */
function checkMountPoint(mount: MountPoint): string {
  if (!mount.Target) throw invalidMount(mount, 'field Target must not be empty')
  const problem = destinationProblem(mount.Target) ?? (Object.hasOwn(checks, mount.Type) ? checks[mount.Type]?.(mount) : 'mount type unknown')
  if (problem !== undefined) throw invalidMount(mount, problem)
  if (mount.Type === 'volume' && mount.Source) checkVolumeName(mount.Source)
  return cleanPath(mount.Target)
}

function bindProblem(mount: MountPoint): string | undefined {
  const { Source: source = '', BindOptions: options, ReadOnly: readOnly = false } = mount
  if (source === '') return 'field Source must not be empty'
  if (options?.Propagation && !isPropagation(options.Propagation)) return `invalid propagation mode: ${options.Propagation}`
  if (mount.TmpfsOptions) return 'field TmpfsOptions must not be specified'
  if (mount.VolumeOptions) return 'field VolumeOptions must not be specified'
  if (!source.startsWith('/')) return `invalid mount path: '${source}' mount path must be absolute`
  if (options?.ReadOnlyNonRecursive && !readOnly) return 'mount options conflict: !ReadOnly && BindOptions.ReadOnlyNonRecursive'
  if (options?.ReadOnlyForceRecursive && !readOnly) return 'mount options conflict: !ReadOnly && BindOptions.ReadOnlyForceRecursive'
  if (options?.ReadOnlyForceRecursive && options.ReadOnlyNonRecursive) return 'mount options conflict: ReadOnlyNonRecursive && BindOptions.ReadOnlyForceRecursive'
  if (options?.CreateMountpoint || statSync(source, { throwIfNoEntry: false })) return undefined
  return `bind source path does not exist: ${source}`
}

function volumeProblem({ Source: source = '', ReadOnly, BindOptions, VolumeOptions }: MountPoint): string | undefined {
  if (BindOptions) return 'field BindOptions must not be specified'
  if (VolumeOptions?.Subpath && source === '') return 'must not set Subpath when using anonymous volumes'
  if (VolumeOptions?.Subpath && !isLocalPath(VolumeOptions.Subpath)) return 'subpath must be a relative path within the volume'
  return ReadOnly && source === '' ? 'must not set ReadOnly mode when using anonymous volumes' : undefined
}

function tmpfsProblem({ Source, BindOptions, TmpfsOptions }: MountPoint): string | undefined {
  if (BindOptions) return 'field BindOptions must not be specified'
  if (Source) return 'field Source must not be specified'
  for (const option of TmpfsOptions?.Options ?? []) {
    if (option.length === 0 || option.length > 2) return 'invalid option array length'
    if (option[0] !== 'exec' && option[0] !== 'noexec') return `invalid option: ${option[0]}`
  }
  return undefined
}

function imageProblem({ Source, BindOptions, VolumeOptions, ImageOptions }: MountPoint): string | undefined {
  if (BindOptions) return 'field BindOptions must not be specified'
  if (VolumeOptions) return 'field VolumeOptions must not be specified'
  if (!Source) return 'field Source must not be empty'
  return ImageOptions?.Subpath && !isLocalPath(ImageOptions.Subpath) ? 'subpath must be a relative path within the image' : undefined
}

function checkTmpfs(destination: string, options: string): string {
  const problem = destinationProblem(destination)
  if (problem) throw invalid(problem)
  tmpfsOptions([], options)
  return destination.replace(/\/+$/, '')
}

function invalidMount(mount: MountPoint, problem: string): GantryError {
  return invalid(`invalid mount config for type ${JSON.stringify(mount.Type)}: ${problem}`)
}

function invalid(message: string): GantryError {
  return new GantryError('InvalidParameter', message)
}
