import { GantryError } from '../../../lib/errors.ts'
import type { ContainerConfig } from '../../types/container-config.ts'
import type { EndpointSettings, HostConfig } from '../../types/host-config.ts'
import { isContainer, isHost } from '../namespaces.ts'

/**
 * Namespace modes by themselves and against each other, with Docker's texts.
 * @throws InvalidParameter
 */
export function checkModes(config: ContainerConfig, hostConfig: HostConfig, networking: Record<string, EndpointSettings>): void {
  const { NetworkMode, PidMode, IpcMode, UTSMode, CgroupnsMode, UsernsMode } = hostConfig
  if (!isMode(PidMode, ['host'], true)) throw invalid('invalid PID mode')
  if (!isMode(IpcMode, ['none', 'host', 'private', 'shareable'], true)) throw invalid(`invalid IPC mode: ${IpcMode}`)
  if (!isMode(UTSMode, ['host'], false)) throw invalid(`invalid UTS mode: ${UTSMode}`)
  if (!isMode(CgroupnsMode, ['host', 'private'], false)) throw invalid(`invalid cgroup namespace mode: ${CgroupnsMode}`)
  if (!isMode(UsernsMode, ['host'], false)) throw invalid(`invalid user namespace mode: ${UsernsMode}`)
  if (NetworkMode === 'container:') throw invalid('Invalid network mode: invalid container format container:<name|id>')
  if (isHost(UTSMode) && config.Hostname) throw invalid('conflicting options: hostname and the UTS mode')
  if (hostConfig.Links?.length && (isContainer(NetworkMode) || isHost(NetworkMode))) {
    throw invalid(`conflicting options: ${isHost(NetworkMode) ? 'host type networking' : 'container type network'} can't be used with links. This would result in undefined behavior`)
  }
  if (isContainer(NetworkMode)) checkContainerNetwork(config, hostConfig, networking)
}

/** What a container in another's network namespace cannot have: those things belong to the other. */
function checkContainerNetwork(config: ContainerConfig, hostConfig: HostConfig, networking: Record<string, EndpointSettings>): void {
  if (config.Hostname) throw invalid('conflicting options: hostname and the network mode')
  if (hostConfig.Dns?.length) throw invalid('conflicting options: dns and the network mode')
  if (hostConfig.ExtraHosts?.length) throw invalid('conflicting options: custom host-to-IP mapping and the network mode')
  if (Object.values(networking).some(({ MacAddress }) => MacAddress)) {
    throw invalid('conflicting options: mac-address and the network mode')
  }
  if (Object.keys(hostConfig.PortBindings ?? {}).length > 0 || hostConfig.PublishAllPorts) {
    throw invalid('conflicting options: port publishing and the container type network mode')
  }
  if (Object.keys(config.ExposedPorts ?? {}).length > 0) {
    throw invalid('conflicting options: port exposing and the container type network mode')
  }
}

function isMode(mode: string | undefined, words: readonly string[], container: boolean): boolean {
  if (mode === undefined || mode === '' || words.includes(mode)) return true
  return container && mode.startsWith('container:') && mode !== 'container:'
}

function invalid(message: string): GantryError {
  return new GantryError('InvalidParameter', message)
}
