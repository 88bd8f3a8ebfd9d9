import { GantryError } from '../../../lib/errors.ts'
import type { HostConfig } from '../../types/host-config.ts'
import { isHost } from '../namespaces.ts'

/** sysctls that the ipc namespace holds: ipc_namespaces(7). */
const ipc = /^(kernel\.(msgmax|msgmnb|msgmni|sem|shmall|shmmax|shmmni|shm_rmid_forced)|fs\.mqueue\..+)$/

/** Only what a namespace of the container holds may be set. @throws InvalidParameter */
export function checkSysctls(hostConfig: HostConfig): void {
  for (const name of Object.keys(hostConfig.Sysctls ?? {})) {
    const dotted = name.replaceAll('/', '.')
    const shared = sharedNamespace(dotted, hostConfig)
    if (shared !== undefined) {
      throw new GantryError('InvalidParameter', `sysctl '${name}' is not allowed: ${shared}`)
    }
  }
}

function sharedNamespace(name: string, { IpcMode, NetworkMode, UTSMode }: HostConfig): string | undefined {
  if (name.startsWith('net.')) return isHost(NetworkMode) ? "the container shares the host's network namespace" : undefined
  if (ipc.test(name)) return isHost(IpcMode) ? "the container shares the host's ipc namespace" : undefined
  if (name === 'kernel.domainname') return isHost(UTSMode) ? "the container shares the host's uts namespace" : undefined
  return 'it is not in a separate kernel namespace'
}
