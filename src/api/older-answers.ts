import type { ContainerInspect } from '../engine/engine.ts'

/**
 * What clients of older versions find in answers, and what they do not. Source: "Engine API version history", and what dockerd
 * does where that says nothing.
 */

type Document = Record<string, unknown>

export function infoFor(minor: number, info: Document): Document {
  const answer = { ...info }
  if (minor < 25) answer['SecurityOptions'] = ((info['SecurityOptions'] ?? []) as string[]).map(bareOption)
  const registries = info['RegistryConfig'] as Document | undefined
  if (minor < 47) answer['RegistryConfig'] = { AllowNondistributableArtifactsCIDRs: [], AllowNondistributableArtifactsHostnames: [], ...registries }
  if (minor < 44) answer['Runtimes'] = Object.fromEntries(Object.entries((info['Runtimes'] ?? {}) as Record<string, Document>).map(([name, { status: _status, ...runtime }]) => [name, runtime]))
  if (minor < 49) {
    delete answer['FirewallBackend']
    for (const part of ['ContainerdCommit', 'RuncCommit', 'InitCommit']) answer[part] = withExpected(info[part] as Document | undefined)
  }
  if (minor < 50) {
    delete answer['DiscoveredDevices']
    Object.assign(answer, { BridgeNfIptables: false, BridgeNfIp6tables: false })
  }
  return answer
}

function withExpected(commit: Document = {}): Document {
  return { ...commit, Expected: commit['ID'] ?? '' }
}

/** "name=seccomp,profile=builtin" was "seccomp". */
function bareOption(option: string): string {
  return /^name=([^,]+)/.exec(option)?.[1] ?? option
}

/** Names that a container had by itself were among its aliases before they got a field of their own (API 1.45). */
export function containerFor(minor: number, container: ContainerInspect): ContainerInspect {
  const answer = minor >= 48 || container.ImageManifestDescriptor === undefined ? container : withoutManifest(container)
  return minor >= 45 ? answer : withOwnAliases(answer)
}

function withoutManifest({ ImageManifestDescriptor: _manifest, ...container }: ContainerInspect): ContainerInspect {
  return container
}

function withOwnAliases(container: ContainerInspect): ContainerInspect {
  const networks = (container.NetworkSettings['Networks'] ?? {}) as Record<string, { Aliases?: string[] | null }>
  const own = [container.Id.slice(0, 12), container.Config.Hostname ?? ''].filter((name) => name !== '')
  const withNames = Object.entries(networks).map(([name, endpoint]) => [name, isUserDefined(name) ? { ...endpoint, Aliases: [...new Set([...(endpoint.Aliases ?? []), ...own])] } : endpoint])
  return { ...container, NetworkSettings: { ...container.NetworkSettings, Networks: Object.fromEntries(withNames) as Document } }
}

function isUserDefined(network: string): boolean {
  return !['bridge', 'host', 'none', 'default'].includes(network)
}

interface DiskUsage extends Document {
  Images?: Document[] | null
  BuildCache?: (Document & { Size?: number; Parents?: string[] })[] | null
}

export function diskUsageFor(minor: number, usage: DiskUsage): DiskUsage {
  const answer = { ...usage }
  if (minor < 44 && usage.Images) answer.Images = usage.Images.map((image) => ({ ...image, VirtualSize: image['Size'] }))
  if (minor >= 42) return answer
  const records = usage.BuildCache ?? []
  answer.BuildCache = records.map(({ Parents = [], ...record }) => ({ ...record, Parent: Parents[0] ?? '' }))
  answer['BuilderSize'] = records.reduce((sum, { Size = 0 }) => sum + Size, 0)
  return answer
}
