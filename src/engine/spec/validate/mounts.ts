import { statSync } from 'node:fs'
import { GantryError } from '../../../lib/errors.ts'
import type { ContainerConfig } from '../../types/container-config.ts'
import type { HostConfig, MountPoint } from '../../types/host-config.ts'
import { destinationProblem, isPropagation, parseBind } from '../binds.ts'
import { tmpfsOptions } from '../tmpfs.ts'
import { notImplemented } from './unsupported.ts'

const mountTypes = new Set(['bind', 'tmpfs', 'volume', 'npipe', 'cluster', 'image'])
const volumeName = /^[a-zA-Z0-9][a-zA-Z0-9_.-]+$/

/**
 * -v, --mount and --tmpfs. The source of a `--mount type=bind` has to be there; that of a -v is made at start.
 * @throws InvalidParameter with Docker's text; NotImplemented for volumes with a name
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
    const problem = destinationProblem(destination)
    if (problem) throw invalid(`invalid volume specification: '${destination}': invalid mount config for type "volume": ${problem}`)
  }
}

function checkBind(specification: string): string {
  const { source, destination } = parseBind(specification)
  if (source !== undefined && !source.startsWith('/')) {
    if (!volumeName.test(source)) {
      throw invalid(
        `create ${source}: ${JSON.stringify(source)} includes invalid characters for a local volume name, only ` +
          '"[a-zA-Z0-9][a-zA-Z0-9_.-]" are allowed. If you intended to pass a host directory, use absolute path',
      )
    }
    throw notImplemented(`--volume ${specification} (a volume with a name)`)
  }
  return destination
}

function checkMountPoint(mount: MountPoint): string {
  if (!mountTypes.has(mount.Type)) throw invalidMount(mount, 'mount type unknown')
  if (mount.Type !== 'bind' && mount.Type !== 'tmpfs') throw notImplemented(`--mount type=${mount.Type}`)
  if (!mount.Target) throw invalidMount(mount, 'field Target must not be empty')
  const problem = destinationProblem(mount.Target)
  if (problem) throw invalidMount(mount, problem)
  if (mount.Type === 'bind') checkBindMount(mount)
  else if (mount.Source) throw invalidMount(mount, 'field Source must not be specified')
  return mount.Target.length > 1 ? mount.Target.replace(/\/+$/, '') : mount.Target
}

function checkBindMount(mount: MountPoint): void {
  const { Source: source = '', BindOptions: options } = mount
  if (source === '') throw invalidMount(mount, 'field Source must not be empty')
  if (mount.TmpfsOptions) throw invalidMount(mount, 'field TmpfsOptions must not be specified')
  if (mount.VolumeOptions) throw invalidMount(mount, 'field VolumeOptions must not be specified')
  if (options?.Propagation && !isPropagation(options.Propagation)) {
    throw invalidMount(mount, `invalid propagation mode: ${options.Propagation}`)
  }
  if (!source.startsWith('/')) throw invalidMount(mount, `invalid mount path: '${source}' mount path must be absolute`)
  if (options?.CreateMountpoint) throw notImplemented('--mount with bind-create-src')
  if (!statSync(source, { throwIfNoEntry: false })) throw invalidMount(mount, `bind source path does not exist: ${source}`)
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
