import { GantryError } from '../../../lib/errors.ts'
import type { HostConfig } from '../../types/host-config.ts'

/** @throws InvalidParameter with Docker's text */
export function checkRestartPolicy({ RestartPolicy: policy }: HostConfig): void {
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
