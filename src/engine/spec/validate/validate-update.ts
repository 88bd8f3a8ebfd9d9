import { GantryError } from '../../../lib/errors.ts'
import type { HostConfig } from '../../types/host-config.ts'
import type { HostFacts } from '../input.ts'
import { checkResources } from './resources.ts'
import { refuseUnsupported } from './unsupported.ts'

/**
 * Refuses an update that Docker would refuse for any container, in its words. What `change` leaves unset stays.
 * @returns warnings
 * @throws InvalidParameter; NotImplemented "not implemented yet: --x"
 */
export function validateUpdate(change: HostConfig, host: HostFacts): string[] {
  const { BlkioWeight = 0, ...others } = change
  refuseUnsupported({}, others)
  if (BlkioWeight !== 0 && (BlkioWeight < 10 || BlkioWeight > 1000)) throw invalid('Range of blkio weight is from 10 to 1000')
  checkRestartPolicy(change)
  return checkResources(change, host, 'update')
}

function checkRestartPolicy({ RestartPolicy: policy }: HostConfig): void {
  if (policy === undefined || policy.Name === '') return
  const { Name, MaximumRetryCount: count } = policy
  if (Name === 'on-failure') {
    if (count < 0) throw invalid('invalid restart policy: maximum retry count cannot be negative')
    return
  }
  if (!['no', 'always', 'unless-stopped'].includes(Name)) {
    throw invalid(`invalid restart policy: unknown policy '${Name}'; use one of 'no', 'always', 'on-failure', or 'unless-stopped'`)
  }
  if (count !== 0) {
    const negative = count < 0 ? ' and cannot be negative' : ''
    throw invalid(`invalid restart policy: maximum retry count can only be used with 'on-failure'${negative}`)
  }
}

function invalid(message: string): GantryError {
  return new GantryError('InvalidParameter', message)
}
