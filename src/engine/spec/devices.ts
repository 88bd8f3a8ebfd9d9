import { GantryError } from '../../lib/errors.ts'
import type { OciDevice, OciResources } from '../../runc/spec.ts'
import { deviceRules } from './device-rules.ts'
import type { SpecInput } from './input.ts'

type DeviceRule = NonNullable<OciResources['devices']>[number]

/** Character devices that every container may use: memory devices, terminals, pseudo terminals. */
const allowedDevices: readonly (readonly [major: number, minor: number | undefined])[] = [
  [1, 3], // null
  [1, 5], // zero
  [1, 7], // full
  [1, 8], // random
  [1, 9], // urandom
  [5, 0], // tty
  [5, 1], // console
  [5, 2], // ptmx
  [136, undefined], // pts/*
]

/** Nothing but the above, and mknod of anything: making a node opens nothing. */
const defaultRules: readonly DeviceRule[] = [
  { allow: false, access: 'rwm' },
  { allow: true, type: 'c', access: 'm' },
  { allow: true, type: 'b', access: 'm' },
  ...allowedDevices.map(([major, minor]): DeviceRule => ({
    allow: true,
    type: 'c',
    major,
    ...(minor === undefined ? {} : { minor }),
    access: 'rwm',
  })),
]

export interface Devices {
  /** Nodes to make beside those that OCI prescribes. */
  devices: OciDevice[]
  rules: DeviceRule[]
}

/** A privileged container has all devices of the host; any other the default ones and those of --device. */
export function devicesOf(input: SpecInput): Devices {
  const { hostConfig, host } = input
  if (hostConfig.Privileged) return { devices: host.devices, rules: [{ allow: true, access: 'rwm' }] }
  const devices: OciDevice[] = []
  const rules: DeviceRule[] = [...defaultRules]
  for (const { PathOnHost, PathInContainer, CgroupPermissions } of hostConfig.Devices ?? []) {
    for (const device of hostDevices(host.devices, PathOnHost)) {
      const path = (PathInContainer || PathOnHost) + device.path.slice(PathOnHost.length)
      devices.push({ ...device, path })
      const { type, major, minor } = device
      rules.push({ allow: true, type: type === 'b' ? 'b' : 'c', major, minor, access: CgroupPermissions || 'rwm' })
    }
  }
  return { devices, rules: [...rules, ...deviceRules(hostConfig.DeviceCgroupRules)] }
}

/** The device at a path, or every device below a directory. */
function hostDevices(devices: readonly OciDevice[], path: string): OciDevice[] {
  const found = devices.filter((device) => device.path === path || device.path.startsWith(`${path.replace(/\/+$/, '')}/`))
  if (found.length === 0) {
    throw new GantryError(
      'System',
      `error gathering device information while adding custom device "${path}": no such file or directory`,
    )
  }
  return found
}
