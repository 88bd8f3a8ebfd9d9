import { unpackPorts } from '../../lib/port-table.ts'
import type { ContainerConfig } from '../types/container-config.ts'
import type { HostConfig } from '../types/host-config.ts'

/** As Docker shows it: in a record long runs of ports are ranges (src/lib/port-table.ts). */
export function portsShown(hostConfig: HostConfig): HostConfig {
  const { PortBindings: bindings } = hostConfig
  const all = unpackPorts(bindings ?? {})
  return all === bindings || !bindings ? hostConfig : { ...hostConfig, PortBindings: all }
}

/** The same of exposed ports. */
export function exposedShown(config: ContainerConfig): ContainerConfig {
  const { ExposedPorts: exposed } = config
  const all = unpackPorts(exposed ?? {})
  return all === exposed || !exposed ? config : { ...config, ExposedPorts: all }
}
