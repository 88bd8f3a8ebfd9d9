import { randomBytes } from 'node:crypto'
import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { GantryError } from '../lib/errors.ts'
import type { NetworkInfo } from './contract.ts'
import { formatIPv4, formatSubnet } from './ipv4.ts'
import type { Subnet } from './ipv4.ts'

interface Identity {
  id: string
  created: string
}

const builtIn = ['bridge', 'host', 'none'] as const

/** The three networks that every engine has. Their ids are random and last as long as the data root. */
export function loadNetworks(root: string, bridge: { name: string; subnet: Subnet; mtu: number }): NetworkInfo[] {
  const identities = identitiesIn(root)
  const base = { scope: 'local', internal: false, attachable: false, enableIPv6: false, labels: {} } as const
  return builtIn.map((name): NetworkInfo => {
    const identity = identities[name] ?? newIdentity()
    if (name !== 'bridge') {
      const driver = name === 'host' ? 'host' : 'null'
      return { ...base, ...identity, name, driver, ipam: { driver: 'default', config: [] }, options: {} }
    }
    return {
      ...base,
      ...identity,
      name,
      driver: 'bridge',
      ipam: { driver: 'default', config: [{ subnet: formatSubnet(bridge.subnet), gateway: formatIPv4(bridge.subnet.gateway) }] },
      options: {
        'com.docker.network.bridge.default_bridge': 'true',
        'com.docker.network.bridge.enable_icc': 'true',
        'com.docker.network.bridge.enable_ip_masquerade': 'true',
        'com.docker.network.bridge.host_binding_ipv4': '0.0.0.0',
        'com.docker.network.bridge.name': bridge.name,
        'com.docker.network.driver.mtu': String(bridge.mtu),
      },
    }
  })
}

/** By name, then by id, then by the only id that begins so. */
export function findNetwork(networks: readonly NetworkInfo[], ref: string): NetworkInfo {
  const named = networks.find(({ name, id }) => name === ref || id === ref)
  if (named !== undefined) return named
  const begun = ref === '' ? [] : networks.filter(({ id }) => id.startsWith(ref))
  if (begun.length > 1) throw new GantryError('InvalidParameter', `network ${ref} is ambiguous (${begun.length} matches found on ID)`)
  if (begun[0] === undefined) throw new GantryError('NotFound', `network ${ref} not found`)
  return begun[0]
}

function newIdentity(): Identity {
  return { id: randomBytes(32).toString('hex'), created: new Date().toISOString() }
}

function identitiesIn(root: string): Record<string, Identity> {
  const file = path.join(root, 'networks.json')
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as Record<string, Identity>
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw new Error(`cannot read ${file}`, { cause: error })
  }
  const fresh = Object.fromEntries(builtIn.map((name) => [name, newIdentity()]))
  mkdirSync(root, { recursive: true, mode: 0o711 })
  writeFileSync(`${file}.new`, JSON.stringify(fresh))
  renameSync(`${file}.new`, file)
  return fresh
}
