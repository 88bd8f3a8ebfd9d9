import { capabilitiesOf, capabilityMask, capabilityNames, capabilityNumber } from '../../kernel/capabilities.ts'
import { GantryError } from '../../lib/errors.ts'
import type { HostConfig } from '../types/host-config.ts'
import type { OciCapabilities } from '../../runc/spec.ts'

/** What a container has unless told otherwise: Docker's fourteen, mask 00000000a80425fb. */
export const defaultCapabilities: readonly string[] = [
  'CAP_CHOWN',
  'CAP_DAC_OVERRIDE',
  'CAP_FSETID',
  'CAP_FOWNER',
  'CAP_MKNOD',
  'CAP_NET_RAW',
  'CAP_SETGID',
  'CAP_SETUID',
  'CAP_SETFCAP',
  'CAP_SETPCAP',
  'CAP_NET_BIND_SERVICE',
  'CAP_SYS_CHROOT',
  'CAP_KILL',
  'CAP_AUDIT_WRITE',
]

const allCapabilities = 'ALL'

/**
 * The capabilities that --cap-add, --cap-drop and --privileged ask for, as a mask. Not clipped to what the host has.
 * `ALL` in adds starts from everything, in drops from nothing; a privileged container starts from everything and
 * still loses what is dropped.
 * @throws InvalidParameter `invalid CapAdd: unknown capability: "CAP_X"`
 */
export function requestedCapabilities(hostConfig: Pick<HostConfig, 'CapAdd' | 'CapDrop' | 'Privileged'>): bigint {
  const adds = normalize(hostConfig.CapAdd, 'CapAdd')
  const drops = normalize(hostConfig.CapDrop, 'CapDrop')
  const everything = capabilityMask(capabilityNames)
  const added = capabilityMask(adds)
  const dropped = drops.includes(allCapabilities) ? everything : capabilityMask(drops)
  if (hostConfig.Privileged) return everything & ~dropped
  if (adds.includes(allCapabilities)) return everything & ~capabilityMask(drops)
  return (capabilityMask(defaultCapabilities) & ~dropped) | added
}

/**
 * Root gets the set as effective, permitted and bounding. Anybody else gets it as bounding only, so that file
 * capabilities and set-user-ID programs still work. Inheritable and ambient stay empty (CVE-2022-24769).
 */
export function processCapabilities(mask: bigint, uid: number): OciCapabilities {
  const names = capabilitiesOf(mask)
  return uid === 0 ? { bounding: names, effective: names, permitted: names } : { bounding: names }
}

function normalize(names: readonly string[] | null | undefined, field: string): string[] {
  return (names ?? []).map((given) => {
    const name = given.trim().toUpperCase()
    if (name === allCapabilities || name === `CAP_${allCapabilities}`) return allCapabilities
    const full = name.startsWith('CAP_') ? name : `CAP_${name}`
    if (capabilityNumber(full) === undefined) {
      throw new GantryError('InvalidParameter', `invalid ${field}: unknown capability: "${full}"`)
    }
    return full
  })
}
