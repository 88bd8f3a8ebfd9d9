import { mkdirSync } from 'node:fs'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Kernel } from '../kernel/kernel.ts'
import { GantryError } from '../lib/errors.ts'
import { AddressPool } from './address-pool.ts'
import { BridgeDriver, existingBridgeAddress } from './bridge-driver.ts'
import { DockerProxyHolder } from './docker-proxy-holder.ts'
import { EndpointStore } from './endpoint-store.ts'
import { parseSubnet } from './ipv4.ts'
import { loadNetworks } from './network-list.ts'
import { networkService } from './network-service.ts'
import type { LocalNetworkService } from './network-service.ts'
import { PortAllocator } from './port-allocator.ts'
import type { PortHolder } from './port-holder.ts'
import { ProxyHolder } from './proxy-holder.ts'
import { SocketHolder } from './socket-holder.ts'

export interface NetworkServiceOptions {
  kernel: Kernel
  /** `<data-root>/network` */
  root: string
  /** Sockets, pid files and logs of proxies. */
  runtimeDir: string
  bridgeName: string
  /** Address and prefix of the bridge; default: what the bridge has already, else 172.17.0.1/16. */
  bip?: string
  /** Bytes. */
  mtu: number
  /** --userland-proxy. False: all by NAT, no IPv6 of the host. */
  userlandProxy: boolean
  /** --userland-proxy-path: a program with docker-proxy's flags, started for every rule. Default: one gantry-proxy for all. */
  proxyCommand?: readonly string[]
}

const defaultBridge = { name: 'docker0', address: '172.17.0.1/16' }

/** Loads what is on disk. Nothing on the host is touched before `recover`. */
export function openNetworkService(options: NetworkServiceOptions): LocalNetworkService {
  const { kernel, root, bridgeName, mtu } = options
  if (!/^[A-Za-z0-9][\w.-]{0,14}$/.test(bridgeName)) throw new GantryError('InvalidParameter', `invalid bridge name "${bridgeName}"`)
  const subnet = parseSubnet(options.bip ?? existingBridgeAddress(kernel, bridgeName) ?? defaultBridge.address)
  mkdirSync(root, { recursive: true, mode: 0o711 })
  const store = new EndpointStore(root)
  const holder = portHolder(options)
  return networkService({
    networks: loadNetworks(root, { name: bridgeName, subnet, mtu }),
    subnet,
    bridgeIsPrivate: bridgeName !== defaultBridge.name,
    store,
    pool: new AddressPool(subnet, store.lastAddress()),
    driver: new BridgeDriver(kernel, { name: bridgeName, subnet, mtu }),
    holder,
    ports: new PortAllocator(holder),
  })
}

function portHolder({ kernel, userlandProxy, proxyCommand, runtimeDir }: NetworkServiceOptions): PortHolder {
  if (!userlandProxy) return new SocketHolder(kernel)
  const [program, ...rest] = proxyCommand ?? []
  if (program !== undefined) return new DockerProxyHolder({ program: [program, ...rest], runtimeDir })
  return new ProxyHolder({ program: ownProxy(), runtimeDir })
}

/** gantry-proxy beside this file: its source, or its bundle when we are one. */
function ownProxy(): [string, ...string[]] {
  const here = fileURLToPath(import.meta.url)
  const main = here.endsWith('.ts') ? path.join(path.dirname(here), '../proxy/main.ts') : path.join(path.dirname(here), 'gantry-proxy.js')
  return [process.execPath, main]
}
