import { GantryError } from '../../../lib/errors.ts'
import type { ContainerConfig } from '../../types/container-config.ts'
import type { EndpointSettings, HostConfig } from '../../types/host-config.ts'
import type { SecurityDefaults } from '../../security/defaults.ts'
import type { CgroupDriver, HostFacts } from '../input.ts'
import { checkCgroupParent } from './cgroup-parent.ts'
import { deviceRules } from '../device-rules.ts'
import { rlimitsOf } from '../rlimits.ts'
import { checkModes } from './modes.ts'
import { checkMounts } from './mounts.ts'
import { checkPorts } from './ports.ts'
import { checkResources } from './resources.ts'
import { checkSecurity } from './security.ts'
import { signalNumber } from './signals.ts'
import { checkSysctls } from './sysctls.ts'
import { checkHealthcheck } from '../../health/health-config.ts'
import { checkUserNamespace } from './user-namespace.ts'
import { checkRestartPolicy } from './restart-policy.ts'

export interface CreateRequest {
  /** As the client sent it, before the image's configuration is merged in and before `Hostname` is filled. */
  config: ContainerConfig
  hostConfig: HostConfig
  networking: Record<string, EndpointSettings>
  host: HostFacts
  cgroupDriver?: CgroupDriver
  security?: SecurityDefaults
}

/**
 * Refuses what Docker refuses, in its words, and what is not there yet. Looks at the file system only for the sources
 * of `--mount type=bind`.
 * @returns the `Warnings` of the create call
 * @throws InvalidParameter; NotImplemented "not implemented yet: --x"
 */
export function validateCreate({ config, hostConfig, networking, host, cgroupDriver, security }: CreateRequest): string[] {
  checkConfig(config)
  checkHealthcheck(config.Healthcheck)
  checkRestart(hostConfig)
  checkModes(config, hostConfig, networking)
  checkUserNamespace(hostConfig, security?.userRemap !== undefined)
  checkPorts(config, hostConfig)
  checkMounts(config, hostConfig)
  checkSysctls(hostConfig)
  rlimitsOf(hostConfig.Ulimits)
  deviceRules(hostConfig.DeviceCgroupRules)
  checkIsolation(hostConfig)
  checkCgroupParent(hostConfig.CgroupParent, cgroupDriver)
  return [...checkResources(hostConfig, host), ...checkSecurity(hostConfig, host), ...ignored(hostConfig)]
}

function checkConfig(config: ContainerConfig): void {
  const { WorkingDir, StopSignal, Env } = config
  if (WorkingDir && !WorkingDir.startsWith('/')) {
    throw invalid(`the working directory '${WorkingDir}' is invalid, it needs to be an absolute path`)
  }
  if (StopSignal && signalNumber(StopSignal) === undefined) throw invalid(`Invalid signal: ${StopSignal}`)
  for (const entry of Env ?? []) {
    if (entry === '' || entry.startsWith('=')) throw invalid(`invalid environment variable: ${entry}`)
    if (entry.includes('\0')) throw invalid(`invalid environment variable: ${JSON.stringify(entry)}`)
  }
}

function checkIsolation({ Annotations, Isolation }: HostConfig): void {
  if (Annotations && '' in Annotations) throw invalid('invalid Annotations: the empty string is not permitted as an annotation key')
  if (Isolation && Isolation.toLowerCase() !== 'default') throw invalid(`invalid isolation (${Isolation}): linux only supports 'default'`)
}

function checkRestart(hostConfig: HostConfig): void {
  checkRestartPolicy(hostConfig)
  const { AutoRemove, RestartPolicy } = hostConfig
  const name = RestartPolicy?.Name ?? ''
  if (AutoRemove && name !== '' && name !== 'no') throw invalid("can't create 'AutoRemove' container with restart policy")
}

/** What has no effect but must not keep the container from running. */
function ignored(hostConfig: HostConfig): string[] {
  const warnings: string[] = []
  const ports = Object.keys(hostConfig.PortBindings ?? {})
  if (hostConfig.NetworkMode === 'host' && ports.length > 0) {
    warnings.push('Published ports are discarded when using host network mode')
  }
  return warnings
}

function invalid(message: string): GantryError {
  return new GantryError('InvalidParameter', message)
}
