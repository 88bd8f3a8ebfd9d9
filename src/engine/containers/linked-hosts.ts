import { readFileSync, writeFileSync } from 'node:fs'
import { isIPv6 } from 'node:net'
import { GantryError } from '../../lib/errors.ts'
import type { Container } from './container.ts'
import type { ContainersContext } from './context.ts'
import { isUserDefined } from './endpoint-settings.ts'

/**
 * --link on the default bridge, which has no name server: lines of the hosts file. On user-defined networks the resolver
 * knows links, and the other container need not be there yet. @throws Conflict for a container that does not run, NotFound, System
 */
export function linkedHosts(ctx: ContainersContext, hostConfig: Container['hostConfig']): (readonly [string, string])[] {
  return linkedContainers(ctx, hostConfig).flatMap(({ other, alias }) => addressesOf(other).map((address) => [address, namesFor(other, alias)] as const))
}

/** @throws as `linkedHosts` */
export function linkedContainers(ctx: ContainersContext, hostConfig: Container['hostConfig']): { other: Container; alias: string }[] {
  return linksOf(hostConfig).map(({ ref, alias }) => {
    const other = ctx.registry.get(ref)
    if (!other.state.Running) throw new GantryError('Conflict', `cannot link to a non running container: /${other.name} AS ${alias}`)
    if (other.networks['bridge'] === undefined) throw new GantryError('System', `Cannot link to /${other.name}, as it does not belong to the default network`)
    return { other, alias }
  })
}

/** The container has other addresses on the default bridge than before, maybe: those that link to it hear of that. */
export function tellLinking(ctx: ContainersContext, container: Container): void {
  const addresses = addressesOf(container)
  if (addresses.length === 0) return
  for (const other of ctx.registry.all()) {
    if (!other.state.Running) continue
    for (const { alias } of linksTo(ctx, other, container)) replaceAddresses(ctx.store.paths(other.id).hosts, alias, addresses)
  }
}

/** Links go on leading to a container that has another name. */
export function renameInLinks(ctx: ContainersContext, old: string, name: string): void {
  for (const other of ctx.registry.all()) {
    const { hostConfig } = other
    if (!linksOf(hostConfig).some(({ ref }) => ref === old)) continue
    hostConfig.Links = linksOf(hostConfig).map(({ ref, alias }) => `${ref === old ? name : ref}:${alias}`)
    ctx.store.saveHostConfig(other)
  }
}

/** As inspect shows them: "/db:/web/database"; those on user-defined networks as they were given. */
export function linksView(ctx: ContainersContext, { hostConfig, name }: Pick<Container, 'hostConfig' | 'name'>): string[] | null {
  if (isUserDefined(hostConfig.NetworkMode ?? 'bridge')) return hostConfig.Links ?? null
  const links = linksOf(hostConfig).map(({ ref, alias }) => `/${ctx.registry.find(ref)?.name ?? ref}:/${name}/${alias}`)
  return links.length > 0 ? links : null
}

function linksTo(ctx: ContainersContext, { hostConfig }: Container, target: Container): { alias: string }[] {
  return linksOf(hostConfig).filter(({ ref }) => ctx.registry.find(ref)?.id === target.id)
}

/** "db:database", "db" */
function linksOf({ Links, NetworkMode }: Container['hostConfig']): { ref: string; alias: string }[] {
  if (isUserDefined(NetworkMode ?? 'bridge')) return []
  return (Links ?? []).map((link) => {
    const [ref = '', alias = ref] = link.replace(/^\//, '').split(':')
    return { ref, alias: alias.split('/').at(-1) ?? alias }
  })
}

function addressesOf({ networks }: Container): string[] {
  const { IPAddress = '', GlobalIPv6Address = '' } = networks['bridge'] ?? {}
  return [IPAddress, GlobalIPv6Address].filter((address) => address !== '')
}

function namesFor({ config, name }: Container, alias: string): string {
  return [...new Set([alias, config.Hostname ?? '', name])].filter((one) => one !== '').join(' ')
}

/** In place, for the file is mounted in the container. Other lines stay. */
function replaceAddresses(file: string, alias: string, addresses: readonly string[]): void {
  const lines = readFileSync(file, 'utf8').split('\n').map((line) => {
    const [old = '', names = ''] = line.split('\t')
    const address = addresses.find((one) => isIPv6(one) === isIPv6(old))
    return names.split(' ')[0] === alias && address !== undefined ? `${address}\t${names}` : line
  })
  writeFileSync(file, lines.join('\n'))
}
