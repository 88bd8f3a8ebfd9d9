import { GantryError } from '../../../lib/errors.ts'
import type { ContainerConfig } from '../../types/container-config.ts'
import type { HostConfig } from '../../types/host-config.ts'

/** A feature of Docker that this version does not have: its flag, and how a request for it looks. */
interface Unsupported {
  flag: string
  asked: (config: ContainerConfig, hostConfig: HostConfig) => boolean
}

/** Remove a row when the feature works. */
const unsupported: readonly Unsupported[] = [
]

/** @throws NotImplemented `not implemented yet: --x`, for the first such feature that the request asks for */
export function refuseUnsupported(config: ContainerConfig, hostConfig: HostConfig): void {
  const found = unsupported.find(({ asked }) => asked(config, hostConfig))
  if (found) throw notImplemented(found.flag)
}

export function notImplemented(flag: string): GantryError {
  return new GantryError('NotImplemented', `not implemented yet: ${flag}`)
}
