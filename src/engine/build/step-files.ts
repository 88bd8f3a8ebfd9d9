import { existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { RunDefaults } from '../../build/contract.ts'
import type { Endpoint, NetworkService } from '../../net/contract.ts'
import { hostNetworkHostsFile, hostsFile } from '../../net/hosts.ts'
import { isResolvedStub, resolvConf } from '../../net/resolv-conf.ts'
import type { DefaultDns } from '../containers/context.ts'
import { readText } from '../containers/network-files.ts'

export interface StepFiles {
  directory: string
  hostname: string
  networks: NetworkService
  dns: DefaultDns
  defaults: RunDefaults
  sharesHostNetwork: boolean
  endpoints: readonly Endpoint[]
}

const hostResolvConf = '/etc/resolv.conf'
const resolvedUpstream = '/run/systemd/resolve/resolv.conf'

/** /etc/hostname, /etc/hosts and /etc/resolv.conf of a step, on the host. */
export function writeStepFiles(step: StepFiles): { hostname: string; hosts: string; resolvConf: string } {
  const { directory, hostname } = step
  mkdirSync(directory, { recursive: true, mode: 0o711 })
  const paths = { hostname: join(directory, 'hostname'), hosts: join(directory, 'hosts'), resolvConf: join(directory, 'resolv.conf') }
  writeFileSync(paths.hostname, `${hostname}\n`, { mode: 0o644 })
  writeFileSync(paths.hosts, hostsText(step), { mode: 0o644 })
  writeFileSync(paths.resolvConf, resolverText(step), { mode: 0o644 })
  return paths
}

function hostsText({ hostname, networks, defaults, sharesHostNetwork, endpoints }: StepFiles): string {
  const { extraHosts } = defaults
  const hostGateway = endpoints[0]?.gateway || networks.list().find(({ name }) => name === 'bridge')?.ipam.config[0]?.gateway || ''
  if (sharesHostNetwork) return hostNetworkHostsFile(readText('/etc/hosts'), { extraHosts, hostGateway })
  const addresses = endpoints.flatMap(({ ipv4, ipv6 }) => [ipv4, ipv6].filter((address) => address !== ''))
  return hostsFile({ hostname, addresses, extraHosts, hostGateway })
}

function resolverText({ dns, sharesHostNetwork, endpoints }: StepFiles): string {
  const stub = readText(hostResolvConf)
  const hostPath = !sharesHostNetwork && isResolvedStub(stub) && existsSync(resolvedUpstream) ? resolvedUpstream : hostResolvConf
  return resolvConf({
    host: hostPath === hostResolvConf ? stub : readText(hostPath),
    hostPath,
    dns: dns.servers,
    dnsSearch: dns.search,
    dnsOptions: dns.options,
    sharesHostNetwork,
    ipv6: endpoints.some(({ ipv6 }) => ipv6 !== ''),
  })
}
