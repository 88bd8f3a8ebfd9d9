import type { NameRecord } from '../contract.ts'
import type { NamedNetwork } from './named-network.ts'

/**
 * Who has this name on the networks of the asking container. Network after network: its links, then everybody's names. "db.back"
 * is a name on any network, and "db" on the network "back". Undefined: nobody.
 */
export function whoIs(name: string, containerId: string, networks: readonly NamedNetwork[]): NameRecord[][] | undefined {
  const found = networks.flatMap((network) => {
    const suffix = `.${network.name}`
    const names = name.endsWith(suffix) ? [name, name.slice(0, -suffix.length)] : [name]
    for (const one of names) {
      const records = linked(one, containerId, network) ?? network.byName.get(one)
      if (records !== undefined) return [[...records]]
    }
    return []
  })
  return found.length > 0 ? found : undefined
}

/** The addresses of one family on the first network that has some: an address of another might be out of reach. */
export function addressesOf(found: readonly NameRecord[][], family: 'ipv4' | 'ipv6'): string[] {
  for (const records of found) {
    const addresses = records.map((record) => record[family]).filter((address) => address !== '')
    if (addresses.length > 0) return addresses
  }
  return []
}

/** "db.back": the answer to a reverse lookup. */
export function nameOfAddress(address: string, networks: readonly NamedNetwork[]): string | undefined {
  for (const { name, byAddress } of networks) {
    const first = byAddress.get(address)?.names[0]
    if (first !== undefined) return `${first}.${name}`
  }
  return undefined
}

function linked(alias: string, containerId: string, { members, byName }: NamedNetwork): readonly NameRecord[] | undefined {
  const link = members.get(containerId)?.links.find((one) => one.alias.toLowerCase() === alias)
  if (link === undefined) return undefined
  const target = link.container.toLowerCase()
  const named = byName.get(target)
  if (named !== undefined || target.length < 12) return named
  const records = [...members].filter(([id]) => id.startsWith(target)).map(([, record]) => record)
  return records.length > 0 ? records : undefined
}
