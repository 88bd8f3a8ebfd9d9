import type { ContainerConfig } from '../engine/types/container-config.ts'
import type { EndpointSettings, HostConfig, MountPoint } from '../engine/types/host-config.ts'
import { GantryError } from '../lib/errors.ts'
import type { Call } from './call.ts'
import { createBody } from './shapes.ts'
import type { CreateBody, RawHostConfig } from './shapes.ts'

/** POST /containers/create. What older clients mean is put into today's words here. */
export async function createContainer(call: Call): Promise<void> {
  const { MacAddress, HostConfig, NetworkingConfig, ...config } = await readCreateBody(call)
  if (Object.keys(config).length === 0) {
    throw new GantryError('InvalidParameter', 'config cannot be empty in order to create a container')
  }
  if (call.minor < 44 && config.Healthcheck) delete config.Healthcheck.StartInterval
  const hostConfig = adjustForVersion(HostConfig ?? {}, call.minor)
  const networking = NetworkingConfig?.EndpointsConfig ?? {}
  refuseSeveralNetworks(networking, call.minor)
  if (MacAddress) setMacAddress(networking, hostConfig.NetworkMode || 'default', MacAddress)
  const created = await call.engine.containers.create({
    name: call.query.optional('name'),
    platform: call.query.optional('platform'),
    config: config as ContainerConfig,
    hostConfig,
    networking,
  })
  call.json(created, 201)
}

function readCreateBody(call: Call): Promise<CreateBody> {
  return call.readJson(createBody, { required: true })
}

function adjustForVersion(raw: RawHostConfig, minor: number): HostConfig {
  const hostConfig: RawHostConfig = { ...raw }
  // The client removed the container itself before 1.25.
  if (minor < 25) delete hostConfig.AutoRemove
  // IPC was shareable and the cgroup namespace the host's before there was a choice.
  if (minor < 40 && !hostConfig.IpcMode) hostConfig.IpcMode = 'shareable'
  if (minor < 41 && !hostConfig.CgroupnsMode) hostConfig.CgroupnsMode = 'host'
  if (minor < 42) delete hostConfig.ConsoleSize
  if (minor < 43) delete hostConfig.Annotations
  if (typeof hostConfig.PidsLimit === 'number' && hostConfig.PidsLimit <= 0) delete hostConfig.PidsLimit
  if (hostConfig.Mounts) hostConfig.Mounts = hostConfig.Mounts.map((mount) => adjustMount(mount, minor))
  checkRestartPolicy(hostConfig)
  checkCgroupnsMode(hostConfig)
  return hostConfig as HostConfig
}

/** Fields that a version did not have yet are ignored; what would mean something else without them is refused. */
function adjustMount(mount: MountPoint, minor: number): MountPoint {
  if (minor < 48 && mount.Type === 'image') needs(48, 'Mount type "Image"')
  if (minor < 45 && mount.VolumeOptions?.Subpath) needs(45, 'VolumeOptions.Subpath')
  if (minor < 44 && mount.BindOptions?.ReadOnlyForceRecursive) needs(44, 'BindOptions.ReadOnlyForceRecursive')
  if (minor >= 44) return mount
  // What is mounted below a read-only mount was writable.
  const readOnly = mount.Type === 'bind' && mount.ReadOnly === true ? { ReadOnlyNonRecursive: true } : undefined
  if (mount.BindOptions === undefined) return readOnly === undefined ? mount : { ...mount, BindOptions: readOnly }
  const { Propagation, CreateMountpoint, NonRecursive } = mount.BindOptions
  return { ...mount, BindOptions: { Propagation, ...(minor >= 42 && { CreateMountpoint }), ...(minor >= 40 && { NonRecursive }), ...readOnly } }
}

function needs(version: number, what: string): never {
  throw new GantryError('InvalidParameter', `${what} needs API v1.${version} or newer`)
}

const restartPolicies = new Set(['', 'no', 'always', 'unless-stopped', 'on-failure'])

function checkRestartPolicy({ RestartPolicy }: RawHostConfig): void {
  if (RestartPolicy === undefined) return
  RestartPolicy.Name ??= ''
  RestartPolicy.MaximumRetryCount ??= 0
  if (!restartPolicies.has(RestartPolicy.Name)) {
    throw new GantryError(
      'InvalidParameter',
      `invalid restart policy: unknown policy '${RestartPolicy.Name}'; use one of 'no', 'always', 'on-failure', or 'unless-stopped'`,
    )
  }
}

function checkCgroupnsMode({ CgroupnsMode }: RawHostConfig): void {
  if (CgroupnsMode !== undefined && !['', 'host', 'private'].includes(CgroupnsMode)) {
    throw new GantryError('InvalidParameter', `invalid cgroup namespace mode: ${CgroupnsMode}`)
  }
}

/** Several networks at once came with API 1.44. */
function refuseSeveralNetworks(networking: Record<string, EndpointSettings>, minor: number): void {
  const names = Object.keys(networking)
  if (minor < 44 && names.length > 1) throw new GantryError('InvalidParameter', `Container cannot be created with multiple network endpoints: ${names.join(', ')}`)
}

/** Until API 1.43 the MAC address was the container's, not the endpoint's. */
function setMacAddress(networking: Record<string, EndpointSettings>, networkMode: string, mac: string): void {
  const name = networkMode === 'default' ? 'bridge' : networkMode
  const endpoint = networking[name] ?? networking[networkMode] ?? {}
  endpoint.MacAddress ||= mac
  networking[name] = endpoint
}
