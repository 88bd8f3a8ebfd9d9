import { unpackPorts } from '../../lib/port-table.ts'
import type { EndpointSettings } from '../types/host-config.ts'
import type { Container } from './container.ts'

/** inspect's NetworkSettings; the fields beside Networks repeat the default bridge's, as old clients want them. */
export function networkSettings(container: Container): Record<string, unknown> {
  const running = container.state.Running && container.state.Pid > 0
  const networks = Object.fromEntries(Object.entries(container.networks).map(([name, settings]) => [name, endpointView(settings)]))
  const bridge = networks['bridge']
  return {
    Bridge: '',
    SandboxID: running ? container.id : '',
    SandboxKey: running ? `/proc/${container.state.Pid}/ns/net` : '',
    Ports: running ? exposedPorts(container) : {},
    HairpinMode: false,
    LinkLocalIPv6Address: '',
    LinkLocalIPv6PrefixLen: 0,
    SecondaryIPAddresses: null,
    SecondaryIPv6Addresses: null,
    EndpointID: bridge?.EndpointID ?? '',
    Gateway: bridge?.Gateway ?? '',
    GlobalIPv6Address: bridge?.GlobalIPv6Address ?? '',
    GlobalIPv6PrefixLen: bridge?.GlobalIPv6PrefixLen ?? 0,
    IPAddress: bridge?.IPAddress ?? '',
    IPPrefixLen: bridge?.IPPrefixLen ?? 0,
    IPv6Gateway: bridge?.IPv6Gateway ?? '',
    MacAddress: bridge?.MacAddress ?? '',
    Networks: networks,
  }
}

/** Every field, as clients expect it. */
export function endpointView(settings: EndpointSettings): EndpointSettings {
  return {
    IPAMConfig: settings.IPAMConfig ?? null,
    Links: settings.Links ?? null,
    Aliases: settings.Aliases ?? null,
    MacAddress: settings.MacAddress ?? '',
    DriverOpts: settings.DriverOpts ?? null,
    GwPriority: settings.GwPriority ?? 0,
    NetworkID: settings.NetworkID ?? '',
    EndpointID: settings.EndpointID ?? '',
    Gateway: settings.Gateway ?? '',
    IPAddress: settings.IPAddress ?? '',
    IPPrefixLen: settings.IPPrefixLen ?? 0,
    IPv6Gateway: settings.IPv6Gateway ?? '',
    GlobalIPv6Address: settings.GlobalIPv6Address ?? '',
    GlobalIPv6PrefixLen: settings.GlobalIPv6PrefixLen ?? 0,
    DNSNames: settings.DNSNames ?? null,
  }
}

/** Published ports with their bindings, the other exposed ones with null. */
function exposedPorts(container: Container): Record<string, { HostIp: string; HostPort: string }[] | null> {
  return { ...Object.fromEntries(exposed(container).map((port) => [port, null])), ...unpackPorts(container.ports) }
}

/** Without a network of its own a container exposes nothing. */
function exposed({ config, hostConfig, networks }: Container): string[] {
  const mode = hostConfig.NetworkMode ?? ''
  if (mode === 'host' || mode.startsWith('container:') || Object.hasOwn(networks, 'none')) return []
  return Object.keys(unpackPorts(config.ExposedPorts ?? {}))
}

/** The PORTS of `docker ps`. */
export function portSummaries(container: Container): { IP?: string; PrivatePort: number; PublicPort?: number; Type: string }[] {
  if (!container.state.Running) return []
  const ports = unpackPorts(container.ports)
  const all = new Set([...Object.keys(ports), ...exposed(container)])
  return [...all].flatMap((key) => {
    const [port, protocol = 'tcp'] = key.split('/')
    const bound = ports[key] ?? []
    if (bound.length === 0) return [{ PrivatePort: Number(port), Type: protocol }]
    return bound.map(({ HostIp, HostPort }) => ({ IP: HostIp, PrivatePort: Number(port), PublicPort: Number(HostPort), Type: protocol }))
  })
}
