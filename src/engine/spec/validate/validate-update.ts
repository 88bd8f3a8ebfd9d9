import type { HostConfig } from '../../types/host-config.ts'
import type { HostFacts } from '../input.ts'
import { checkResources } from './resources.ts'
import { checkRestartPolicy } from './restart-policy.ts'

/**
 * Refuses an update that Docker would refuse for any container, in its words. What `change` leaves unset stays.
 * @returns warnings
 * @throws InvalidParameter; NotImplemented "not implemented yet: --x"
 */
export function validateUpdate(change: HostConfig, host: HostFacts): string[] {
  checkRestartPolicy(change)
  return checkResources(change, host, 'update')
}
