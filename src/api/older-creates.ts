import type { EndpointSettings, MountPoint } from '../engine/types/host-config.ts'
import { GantryError } from '../lib/errors.ts'
import type { CreateBody, RawHostConfig } from './shapes.ts'

interface CreateRequest {
  config: Pick<CreateBody, 'Healthcheck'>
  hostConfig: RawHostConfig
  networking: Record<string, EndpointSettings>
  /** Of the container as a whole; "" for none. */
  macAddress: string
}

/**
 * Puts what a client of an older version means into today's words, in place ("Engine API version history"). What a version did not
 * have yet is ignored; what would mean something else without it is refused.
 * @returns warnings for the client
 * @throws InvalidParameter with Docker's texts
 */
export function adjustForVersion(request: CreateRequest, { minor, unified }: { minor: number; unified: boolean }): string[] {
  const { config, hostConfig, networking } = request
  // The client removed the container itself before 1.25.
  if (minor < 25) delete hostConfig.AutoRemove
  // IPC was shareable and the cgroup namespace the host's before there was a choice.
  if (minor < 40 && !hostConfig.IpcMode) hostConfig.IpcMode = 'shareable'
  if (minor < 41 && !unified && !hostConfig.CgroupnsMode) hostConfig.CgroupnsMode = 'host'
  if (minor < 42) delete hostConfig.ConsoleSize
  if (minor < 43) delete hostConfig.Annotations
  if (minor < 44 && config.Healthcheck) delete config.Healthcheck.StartInterval
  if (hostConfig.Mounts) hostConfig.Mounts = hostConfig.Mounts.map((mount) => adjustMount(mount, minor))
  refuseSeveralNetworks(networking, minor)
  if (minor < 48) for (const endpoint of Object.values(networking)) delete endpoint.GwPriority
  return [...ignoredVolumeDriver(hostConfig, minor), ...moveMacAddress(request, minor), ...moveInterfaceSysctls(request, minor)]
}

function adjustMount(given: MountPoint, minor: number): MountPoint {
  const mount = { ...given }
  if (minor < 48 && mount.Type === 'image') needs(48, 'Mount type "Image"')
  if (minor < 45 && mount.VolumeOptions?.Subpath) needs(45, 'VolumeOptions.Subpath')
  if (minor < 44 && mount.BindOptions?.ReadOnlyForceRecursive) needs(44, 'BindOptions.ReadOnlyForceRecursive')
  for (const [options, type] of [['VolumeOptions', 'volume'], ['BindOptions', 'bind'], ['TmpfsOptions', 'tmpfs']] as const) {
    if (mount[options] === undefined || mount.Type === type) continue
    if (minor >= 42) throw invalid(`${options} must not be specified on mount type ${JSON.stringify(mount.Type)}`)
    if (options !== 'BindOptions') delete mount[options]
  }
  if (minor >= 44 || mount.BindOptions === undefined) return mount
  const { Propagation, CreateMountpoint, NonRecursive } = mount.BindOptions
  return { ...mount, BindOptions: { Propagation, ...(minor >= 42 && { CreateMountpoint }), ...(minor >= 40 && { NonRecursive }) } }
}

function needs(version: number, what: string): never {
  throw invalid(`${what} needs API v1.${version} or newer`)
}

/** Several networks at once came with API 1.44. */
function refuseSeveralNetworks(networking: Record<string, EndpointSettings>, minor: number): void {
  const names = Object.keys(networking)
  if (minor < 44 && names.length > 1) throw invalid(`Container cannot be created with multiple network endpoints: ${names.join(', ')}`)
}

/** Docker's client gave this warning before API 1.48. */
function ignoredVolumeDriver({ VolumeDriver, Mounts = [] }: RawHostConfig, minor: number): string[] {
  if (!VolumeDriver || minor < 48 || !(Mounts ?? []).some((mount) => mount.Type === 'volume' && !mount.VolumeOptions?.DriverConfig?.Name)) return []
  return ["WARNING: the container-wide volume-driver configuration is ignored for volumes specified via 'mount'. Use '--mount type=volume,volume-driver=...' instead"]
}

/** Until API 1.43 the MAC address was the container's, not the endpoint's. */
function moveMacAddress({ hostConfig, networking, macAddress }: CreateRequest, minor: number): string[] {
  if (macAddress === '') {
    if (minor < 44) for (const endpoint of Object.values(networking)) delete endpoint.MacAddress
    return []
  }
  const mode = hostConfig.NetworkMode || 'default'
  const ownNetwork = mode !== 'host' && mode !== 'none' && !mode.startsWith('container:')
  if (minor < 44 && !ownNetwork) throw invalid('conflicting options: mac-address and the network mode')
  if (ownNetwork) {
    const endpoint = mainEndpoint(networking, mode)
    if (minor >= 44 && endpoint.MacAddress && endpoint.MacAddress !== macAddress) {
      throw invalid('the container-wide MAC address must match the endpoint-specific MAC address for the main network, or be left empty')
    }
    endpoint.MacAddress = macAddress
  }
  return minor < 44 ? [] : ['The container-wide MacAddress field is now deprecated. It should be specified in EndpointsConfig instead.']
}

const endpointSysctls = 'com.docker.network.endpoint.sysctls'

/**
 * Settings of an interface are the endpoint's since API 1.46, as it does not exist yet when the container's are made. Those of eth0
 * are moved there for clients that know no better; what eth1 will be nobody can tell.
 */
function moveInterfaceSysctls({ hostConfig, networking }: CreateRequest, minor: number): string[] {
  const mode = hostConfig.NetworkMode || 'default'
  if (mode === 'host' || mode.startsWith('container:')) return []
  const moved = Object.entries(hostConfig.Sysctls ?? {}).flatMap(([name, value]) => {
    const [, family, group, device, setting] = /^net\.([^.]*)\.([^.]*)\.(eth[^.]*)\.(.+)$/s.exec(name) ?? []
    if (device === undefined) return []
    if (minor >= 48) throw invalid(`interface specific sysctl setting ${JSON.stringify(name)} must be supplied using driver option '${endpointSysctls}'`)
    if (device !== 'eth0') throw invalid(`unable to determine network endpoint for sysctl ${name}, use driver option '${endpointSysctls}' to set per-interface sysctls`)
    return [{ name, setting: `net.${family}.${group}.IFNAME.${setting}=${value}` }]
  })
  if (moved.length === 0) return []
  const names = new Set(moved.map(({ name }) => name))
  hostConfig.Sysctls = Object.fromEntries(Object.entries(hostConfig.Sysctls ?? {}).filter(([name]) => !names.has(name)))
  const settings = moved.map(({ setting }) => setting).join(',')
  const endpoint = mainEndpoint(networking, mode)
  const own = endpoint.DriverOpts?.[endpointSysctls]
  // What the endpoint says itself comes last and wins.
  endpoint.DriverOpts = { ...endpoint.DriverOpts, [endpointSysctls]: own ? `${settings},${own}` : settings }
  return [`Migrated sysctl ${JSON.stringify([...names].join(','))} to DriverOpts{${JSON.stringify(endpointSysctls)}:${JSON.stringify(settings)}}.`]
}

/** The endpoint of the network that the container is made in; made when nobody has named it. */
function mainEndpoint(networking: Record<string, EndpointSettings>, mode: string): EndpointSettings {
  const name = mode === 'default' ? 'bridge' : mode
  const endpoint = networking[name] ?? networking[mode] ?? {}
  networking[name] = endpoint
  return endpoint
}

function invalid(message: string): GantryError {
  return new GantryError('InvalidParameter', message)
}
