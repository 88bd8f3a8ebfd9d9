import { capabilitiesOf } from '../../kernel/capabilities.ts'
import { defaultProfile } from '../../kernel/seccomp/default-profile.ts'
import { parseProfile, resolveProfile } from '../../kernel/seccomp/profile.ts'
import type { OciIdMapping, OciMount, OciSeccomp, OciSpec } from '../../runc/spec.ts'
import { requestedCapabilities } from './capabilities.ts'
import { devicesOf } from './devices.ts'
import type { SpecInput } from './input.ts'
import { protectedPaths } from './masked-paths.ts'
import { mountsOf } from './mounts.ts'
import { isContainer, isHost, namespacesOf } from './namespaces.ts'
import { processOf } from './process.ts'
import { resourcesOf } from './resources.ts'
import { parseSecurityOptions } from './security-options.ts'

/** The oldest version that has what most containers use: runtimes refuse newer ones than they know (crun 1.8 any above 1.0). */
const ociVersion = '1.0.2'

/** Where containers of an engine with the cgroupfs driver live. */
const defaultCgroupParent = '/docker'

/**
 * The OCI specification of a container with Docker's defaults. Pure: it reads nothing but its input.
 * @throws InvalidParameter with Docker's text for what does not parse; run `validateCreate` before
 */
export function buildSpec(input: SpecInput): OciSpec {
  const { config, hostConfig, rootfs } = input
  const { devices, rules } = devicesOf(input)
  const mounts = mountsOf(input)
  const seccomp = seccompOf(input)
  return {
    ociVersion,
    process: processOf(input),
    root: { path: rootfs, readonly: hostConfig.ReadonlyRootfs ?? false },
    ...(isHost(hostConfig.UTSMode) ? {} : { hostname: config.Hostname ?? '' }),
    ...(config.Domainname && !isHost(hostConfig.UTSMode) ? { domainname: config.Domainname } : {}),
    mounts,
    ...(hostConfig.Annotations ? { annotations: hostConfig.Annotations } : {}),
    linux: {
      namespaces: namespacesOf(input),
      ...idMappingsOf(input),
      ...(input.labels?.mount ? { mountLabel: input.labels.mount } : {}),
      devices,
      cgroupsPath: cgroupsPathOf(input),
      resources: { devices: rules, ...resourcesOf(hostConfig, input.host.devices) },
      ...propagationOf(mounts),
      ...(seccomp ? { seccomp } : {}),
      sysctl: sysctlsOf(input),
      ...protectedPaths(hostConfig, input.host.maskedPaths),
    },
  }
}

/** Path below the root of every hierarchy: `<parent>/<id>`; for systemd `<slice>:docker:<id>`, which is docker-<id>.scope. */
export function cgroupsPathOf({ id, hostConfig, cgroupParent, cgroupDriver }: Pick<SpecInput, 'id' | 'hostConfig' | 'cgroupParent' | 'cgroupDriver'>): string {
  if (cgroupDriver === 'systemd') return `${hostConfig.CgroupParent || cgroupParent || 'system.slice'}:docker:${id}`
  const parent = hostConfig.CgroupParent || cgroupParent || defaultCgroupParent
  return `/${[...parent.split('/').filter((part) => part !== ''), id].join('/')}`
}

/** No filter for a privileged container without a profile of its own, nor for "unconfined". */
function seccompOf({ hostConfig, host, security }: SpecInput): OciSeccomp | undefined {
  const own = parseSecurityOptions(hostConfig.SecurityOpt).seccomp
  if (hostConfig.Privileged && own === undefined) return undefined
  const seccomp = own ?? security?.seccomp
  if (seccomp === 'unconfined') return undefined
  const profile = seccomp === undefined || seccomp === 'builtin' ? defaultProfile : parseProfile(seccomp)
  return resolveProfile(profile, {
    capabilities: capabilitiesOf(requestedCapabilities(hostConfig) & host.capabilities),
    kernel: host.kernel,
    architecture: host.architecture,
  })
}

/** A network namespace of our own may let any user bind low ports and open ping sockets: nobody else is in it. */
function sysctlsOf({ hostConfig, users }: SpecInput): Record<string, string> {
  const own = !isHost(hostConfig.NetworkMode) && !isContainer(hostConfig.NetworkMode)
  const defaults: Record<string, string> = own
    ? { 'net.ipv4.ip_unprivileged_port_start': '0', 'net.ipv4.ping_group_range': `0 ${lastGroup(users)}` }
    : {}
  return { ...defaults, ...hostConfig.Sysctls }
}

/** The kernel takes a range of groups that the user namespace has. */
function lastGroup(users: SpecInput['users']): number {
  const most = 2 ** 31 - 1
  return users === undefined ? most : Math.min(most, ...users.gids.filter(({ containerID }) => containerID === 0).map(({ size }) => size - 1))
}

function idMappingsOf({ users }: SpecInput): { uidMappings?: OciIdMapping[]; gidMappings?: OciIdMapping[] } {
  return users === undefined ? {} : { uidMappings: [...users.uids], gidMappings: [...users.gids] }
}

/** A bind that shares mounts with the host needs the root to let them through. */
function propagationOf(mounts: readonly OciMount[]): { rootfsPropagation?: string } {
  const options = new Set(mounts.flatMap((mount) => mount.options ?? []))
  if (options.has('shared') || options.has('rshared')) return { rootfsPropagation: 'shared' }
  if (options.has('slave') || options.has('rslave')) return { rootfsPropagation: 'rslave' }
  return {}
}
