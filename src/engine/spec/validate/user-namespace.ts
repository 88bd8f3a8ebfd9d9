import { GantryError } from '../../../lib/errors.ts'
import type { HostConfig } from '../../types/host-config.ts'
import { isHost } from '../namespaces.ts'

/**
 * What a container cannot have whose users are remapped, since it belongs to the host's user namespace.
 * @throws InvalidParameter in Docker's words
 */
export function checkUserNamespace({ UsernsMode, Privileged, NetworkMode, PidMode }: HostConfig, remapped: boolean): void {
  if (!remapped || isHost(UsernsMode)) return
  if (Privileged) throw invalid('privileged mode is incompatible with user namespaces.  You must run the container in the host namespace when running privileged mode')
  if (isHost(NetworkMode)) throw invalid("cannot share the host's network namespace when user namespaces are enabled")
  if (isHost(PidMode)) throw invalid('cannot share the host PID namespace when user namespaces are enabled')
}

function invalid(message: string): GantryError {
  return new GantryError('InvalidParameter', message)
}
