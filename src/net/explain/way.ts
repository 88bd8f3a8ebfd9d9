import { existsSync, readFileSync } from 'node:fs'
import type { Kernel } from '../../kernel/kernel.ts'
import { isIPv6Text } from '../../lib/ip-address.ts'
import type { Endpoint, NetworkInfo } from '../contract.ts'
import { bridgeOptions } from '../drivers/bridge-options.ts'
import { linksToFurther } from '../drivers/network-bridges.ts'
import { hasInterface, interfaceStep } from './interface-step.ts'
import { routesOf } from './routes.ts'
import { chainsOfHook, parseRuleset } from './ruleset-text.ts'
import type { Chain } from './ruleset-text.ts'

/** One thing that a packet meets, in its order. */
export interface WayStep {
  at: 'interface' | 'route' | 'chain' | 'rule' | 'translation' | 'note'
  /** "docker0", "ip gantry-docker0 forward" */
  name: string
  text: string
  /** Undefined: nobody counts here. */
  packets?: number
  bytes?: number
}

/** The ways of packets between a container and the world by one of its networks, for one family. */
export interface Way {
  network: string
  driver: string
  family: 4 | 6
  address: string
  /** From outside to a published port. "0.0.0.0:8080 -> 80/tcp" */
  in: { port: string; steps: WayStep[] }[]
  out: WayStep[]
}

/** What the kernel says now: interfaces, routes, the packet filter with its counters. */
export async function waysOf(kernel: Kernel, { network, endpoint, pid }: { network: NetworkInfo; endpoint: Endpoint; pid: number }): Promise<Way[]> {
  const { code, stdout } = await kernel.tool(['nft', '-t', 'list', 'ruleset'])
  const chains = code === 0 ? parseRuleset(stdout) : []
  return ([4, 6] as const).flatMap((family) => {
    const address = family === 4 ? endpoint.ipv4 : endpoint.ipv6
    return address === '' ? [] : [wayOf(chains, { network, endpoint, pid, family, address })]
  })
}

interface Place {
  network: NetworkInfo
  endpoint: Endpoint
  pid: number
  family: 4 | 6
  address: string
}

function wayOf(chains: readonly Chain[], place: Place): Way {
  const { network, family, address, endpoint, pid } = place
  const inner = interfaceStep(endpoint.containerInterface, 'in the container', pid)
  const routes = routesOf(family, pid)
  if (network.driver !== 'bridge') {
    const parent = network.options['parent']
    const note: WayStep = { at: 'note', name: network.driver, text: `joined to ${parent === undefined ? 'its parent interface' : parent} below the host's packet filter: no rule of the host is asked` }
    const outer = parent === undefined ? [] : [interfaceStep(parent, 'parent')]
    return { network: network.name, driver: network.driver, family, address, in: [], out: [inner, ...routes, note, ...outer] }
  }
  const { bridge } = bridgeOptions(network)
  const links = [interfaceStep(bridge, 'bridge'), ...portSteps(network.id, bridge, endpoint.hostInterface)]
  const hook = (name: string): WayStep[] => chainsOfHook(chains, family, name).flatMap((chain) => stepsOfChain(chains, chain, bridge))
  const entrance = entranceOf(chains, family)
  const toBridge = routesOf(family).filter(({ text }) => text.includes(`dev ${bridge}`))
  const inward = (translation: WayStep): WayStep[] => [
    ...hook('prerouting'),
    ...(entrance === undefined ? [] : [...hook('input'), interfaceStep(entrance.sender, 'the entrance: the first packet of a connection, when the host\'s input rules have let it in'), interfaceStep(entrance.receiver, 'other end of the entrance')]),
    translation, ...toBridge, ...hook('forward'), ...hook('postrouting'), ...links, inner,
  ]
  return {
    network: network.name, driver: network.driver, family, address,
    in: publishedOf(endpoint, family).map(({ port, text }) => ({ port, steps: inward({ at: 'translation', name: 'destination', text }) })),
    out: [inner, ...routes, ...links.toReversed(), ...hook('prerouting'), ...routesOf(family).filter(({ text }) => text.startsWith('default')), ...hook('forward'), ...hook('postrouting')],
  }
}

/** The container's port of the bridge; or the links to further bridges of the network, one of which it is on. */
function portSteps(networkId: string, bridge: string, port: string): WayStep[] {
  const links = linksToFurther(networkId)
  if (links.length === 0 || hasInterface(port)) return [interfaceStep(port, `port of ${bridge}`)]
  return [...links.map((name) => interfaceStep(name, `link of ${bridge} to a further bridge`)), { at: 'note', name: port, text: 'port of a further bridge, in a network namespace of the engine' }]
}

function publishedOf(endpoint: Endpoint, family: 4 | 6): { port: string; text: string }[] {
  return Object.entries(endpoint.ports).flatMap(([key, rows]) => rows.filter(({ HostIp }) => isIPv6Text(HostIp) === (family === 6)).map(({ HostIp, HostPort }) => {
    const host = isIPv6Text(HostIp) ? `[${HostIp}]:${HostPort}` : `${HostIp}:${HostPort}`
    const container = family === 6 ? `[${endpoint.ipv6}]` : endpoint.ipv4
    return { port: `${host} -> ${key}`, text: `${host} becomes ${container}:${key}` }
  }))
}

/** A chain and its rules; of ours those of this bridge, and the chains that they lead to. */
function stepsOfChain(chains: readonly Chain[], chain: Chain, bridge: string): WayStep[] {
  const name = `${chain.family} ${chain.table} ${chain.name}`
  const own = chain.table.startsWith('gantry-')
  const concerns = (text: string): boolean => !own || !/[io]ifname/.test(text) || text.includes(`"${bridge}"`) || /"(lo|gn[rt]x-)/.test(text)
  const rules = chain.rules.filter(({ text }) => concerns(text)).map((rule): WayStep => ({ at: 'rule', name, ...rule }))
  const head: WayStep = { at: 'chain', name, text: chain.hook === undefined ? '' : `hook ${chain.hook} priority ${chain.priority} policy ${chain.policy ?? 'accept'}` }
  const next = chain.rules.flatMap(({ text }) => [...text.matchAll(/(?:jump|goto) ([\w.-]+)/g)].map(([, target]) => target))
    .filter((target) => !own || !/^(to|from)-/.test(target ?? '') || target === `to-${bridge}` || target === `from-${bridge}`)
  const further = chains.filter((one) => one.table === chain.table && one.family === chain.family && next.includes(one.name) && one !== chain)
  return [head, ...rules, ...further.flatMap((one) => stepsOfChain(chains, one, bridge))]
}

function entranceOf(chains: readonly Chain[], family: 4 | 6): { sender: string; receiver: string } | undefined {
  const texts = chains.filter((chain) => chain.family === (family === 4 ? 'ip' : 'ip6')).flatMap(({ rules }) => rules.map(({ text }) => text))
  const tag = texts.map((text) => /gntx-([0-9a-f]{8})/.exec(text)?.[1]).find((found) => found !== undefined && existsSync('/proc/net/dev') && readFileSync('/proc/thread-self/net/dev', 'utf8').includes(`gntx-${found}`))
  return tag === undefined ? undefined : { sender: `gntx-${tag}`, receiver: `gnrx-${tag}` }
}
