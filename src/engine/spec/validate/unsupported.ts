import { GantryError } from '../../../lib/errors.ts'
import type { ContainerConfig } from '../../types/container-config.ts'
import type { HostConfig } from '../../types/host-config.ts'

/** A feature of Docker that this version does not have: its flag, and how a request for it looks. */
interface Unsupported {
  flag: string
  asked: (config: ContainerConfig, hostConfig: HostConfig) => boolean
}

/** Whatever a default client sends for "not set" (absent, null, zero, empty) is no request. */
function some(value: unknown): boolean {
  if (value === undefined || value === null || value === '' || value === 0 || value === false) return false
  return typeof value === 'object' ? Object.keys(value).length > 0 : true
}

const logDrivers = new Set(['', 'json-file', 'none'])

/** Remove a row when the feature works. */
const unsupported: readonly Unsupported[] = [
  { flag: 'NetworkDisabled', asked: (config) => some(config.NetworkDisabled) },
  { flag: '--blkio-weight', asked: (_, host) => some(host.BlkioWeight) },
  { flag: '--blkio-weight-device', asked: (_, host) => some(host.BlkioWeightDevice) },
  { flag: '--device-read-bps', asked: (_, host) => some(host.BlkioDeviceReadBps) },
  { flag: '--device-write-bps', asked: (_, host) => some(host.BlkioDeviceWriteBps) },
  { flag: '--device-read-iops', asked: (_, host) => some(host.BlkioDeviceReadIOps) },
  { flag: '--device-write-iops', asked: (_, host) => some(host.BlkioDeviceWriteIOps) },
  { flag: '--device-cgroup-rule', asked: (_, host) => some(host.DeviceCgroupRules) },
  { flag: '--gpus', asked: (_, host) => some(host.DeviceRequests) },
  { flag: '--isolation', asked: (_, host) => some(host.Isolation) && host.Isolation !== 'default' },
  { flag: '--log-driver', asked: (_, host) => !logDrivers.has(host.LogConfig?.Type ?? '') },
  { flag: '--log-opt', asked: (_, host) => some(host.LogConfig?.Config) },
  { flag: '--cpu-rt-period', asked: (_, host) => some(host.CpuRealtimePeriod) },
  { flag: '--cpu-rt-runtime', asked: (_, host) => some(host.CpuRealtimeRuntime) },
]

/** @throws NotImplemented `not implemented yet: --x`, for the first such feature that the request asks for */
export function refuseUnsupported(config: ContainerConfig, hostConfig: HostConfig): void {
  const found = unsupported.find(({ asked }) => asked(config, hostConfig))
  if (found) throw notImplemented(found.flag)
}

export function notImplemented(flag: string): GantryError {
  return new GantryError('NotImplemented', `not implemented yet: ${flag}`)
}
