import { GantryError } from '../../lib/errors.ts'
import type { OciDevice } from '../../runc/spec.ts'
import type { HostConfig } from '../types/host-config.ts'

/** `linux.resources.blockIO`. @throws System for a device that the host does not have */
export function blockIoOf(hostConfig: HostConfig, devices: readonly OciDevice[]): Record<string, unknown> {
  const numbersOf = (path: string): { major: number; minor: number } => {
    const found = devices.find((device) => device.path === path)
    if (found === undefined) throw new GantryError('System', `stat ${path}: no such file or directory`)
    return { major: found.major, minor: found.minor }
  }
  const rates = (list: HostConfig['BlkioDeviceReadBps']): object[] => (list ?? []).map(({ Path, Rate }) => ({ ...numbersOf(Path), rate: Rate }))
  const lists = {
    weightDevice: (hostConfig.BlkioWeightDevice ?? []).map(({ Path, Weight }) => ({ ...numbersOf(Path), weight: Weight })),
    throttleReadBpsDevice: rates(hostConfig.BlkioDeviceReadBps),
    throttleWriteBpsDevice: rates(hostConfig.BlkioDeviceWriteBps),
    throttleReadIOPSDevice: rates(hostConfig.BlkioDeviceReadIOps),
    throttleWriteIOPSDevice: rates(hostConfig.BlkioDeviceWriteIOps),
  }
  return {
    ...(hostConfig.BlkioWeight ? { weight: hostConfig.BlkioWeight } : {}),
    ...Object.fromEntries(Object.entries(lists).filter(([, list]) => list.length > 0)),
  }
}
