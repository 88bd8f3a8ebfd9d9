import { GantryError } from '../../../lib/errors.ts'
import type { ContainerConfig } from '../../types/container-config.ts'
import type { HostConfig } from '../../types/host-config.ts'

const protocols = new Set(['tcp', 'udp', 'sctp'])

/** Exposed and published ports. @throws InvalidParameter `invalid port specification: "x"` */
export function checkPorts(config: ContainerConfig, hostConfig: HostConfig): void {
  for (const exposed of Object.keys(config.ExposedPorts ?? {})) checkPort(exposed)
  for (const [port, bindings] of Object.entries(hostConfig.PortBindings ?? {})) {
    checkPort(port)
    // Ranges are the client's to resolve; in records they have a meaning of their own.
    if (port.includes('-')) throw invalid(port)
    for (const binding of bindings ?? []) {
      if (binding.HostPort && !isRange(binding.HostPort)) throw invalid(binding.HostPort)
    }
  }
}

function checkPort(port: string): void {
  const [number = '', protocol = 'tcp'] = port.split('/')
  if (!isRange(number) || !protocols.has(protocol.toLowerCase())) throw invalid(port)
}

/** "80" or "8000-8010". */
function isRange(text: string): boolean {
  const [, first, last = first] = /^(\d{1,5})(?:-(\d{1,5}))?$/.exec(text) ?? []
  return first !== undefined && Number(first) <= Number(last) && Number(last) <= 65_535
}

function invalid(port: string): GantryError {
  return new GantryError('InvalidParameter', `invalid port specification: ${JSON.stringify(port)}`)
}
