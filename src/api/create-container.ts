import type { ContainerConfig } from '../engine/types/container-config.ts'
import type { EndpointSettings, HostConfig } from '../engine/types/host-config.ts'
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
  const hostConfig = adjustForVersion(HostConfig ?? {}, call.minor)
  const networking = NetworkingConfig?.EndpointsConfig ?? {}
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
  if (typeof hostConfig.PidsLimit === 'number' && hostConfig.PidsLimit <= 0) delete hostConfig.PidsLimit
  checkRestartPolicy(hostConfig)
  checkCgroupnsMode(hostConfig)
  return hostConfig as HostConfig
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

/** Until API 1.43 the MAC address was the container's, not the endpoint's. */
function setMacAddress(networking: Record<string, EndpointSettings>, networkMode: string, mac: string): void {
  const name = networkMode === 'default' ? 'bridge' : networkMode
  const endpoint = networking[name] ?? networking[networkMode] ?? {}
  endpoint.MacAddress ||= mac
  networking[name] = endpoint
}
