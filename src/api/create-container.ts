import type { ContainerConfig } from '../engine/types/container-config.ts'
import type { HostConfig } from '../engine/types/host-config.ts'
import { GantryError } from '../lib/errors.ts'
import type { Call } from './call.ts'
import { adjustForVersion } from './older-creates.ts'
import { createBody } from './shapes.ts'
import type { RawHostConfig } from './shapes.ts'

/** POST /containers/create. What older clients mean is put into today's words first. */
export async function createContainer(call: Call): Promise<void> {
  const { MacAddress, HostConfig: raw = {}, NetworkingConfig, ...config } = await call.readJson(createBody, { required: true })
  if (Object.keys(config).length === 0) {
    throw new GantryError('InvalidParameter', 'config cannot be empty in order to create a container')
  }
  const cgroupVersion = call.minor < 41 ? (await call.engine.system.info())['CgroupVersion'] : undefined
  const request = { config, hostConfig: { ...raw }, networking: NetworkingConfig?.EndpointsConfig ?? {}, macAddress: MacAddress ?? '' }
  const warnings = adjustForVersion(request, { minor: call.minor, unified: cgroupVersion === '2' })
  checkRestartPolicy(request.hostConfig)
  checkCgroupnsMode(request.hostConfig)
  if (typeof request.hostConfig.PidsLimit === 'number' && request.hostConfig.PidsLimit <= 0) delete request.hostConfig.PidsLimit
  const created = await call.engine.containers.create({
    name: call.query.optional('name'),
    platform: call.query.optional('platform'),
    config: config as ContainerConfig,
    hostConfig: request.hostConfig as HostConfig,
    networking: request.networking,
    // What is mounted below a read-only mount was writable before API 1.44.
    ...(call.minor < 44 && { readOnlyNonRecursive: true }),
  })
  call.json({ ...created, Warnings: [...created.Warnings, ...warnings] }, 201)
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
