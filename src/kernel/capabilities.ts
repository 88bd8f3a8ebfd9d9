import { readFileSync } from 'node:fs'

/** Linux capabilities in the order of their numbers: include/uapi/linux/capability.h, Linux 6.18 (0 to 40). */
export const capabilityNames: readonly string[] = [
  'CAP_CHOWN',
  'CAP_DAC_OVERRIDE',
  'CAP_DAC_READ_SEARCH',
  'CAP_FOWNER',
  'CAP_FSETID',
  'CAP_KILL',
  'CAP_SETGID',
  'CAP_SETUID',
  'CAP_SETPCAP',
  'CAP_LINUX_IMMUTABLE',
  'CAP_NET_BIND_SERVICE',
  'CAP_NET_BROADCAST',
  'CAP_NET_ADMIN',
  'CAP_NET_RAW',
  'CAP_IPC_LOCK',
  'CAP_IPC_OWNER',
  'CAP_SYS_MODULE',
  'CAP_SYS_RAWIO',
  'CAP_SYS_CHROOT',
  'CAP_SYS_PTRACE',
  'CAP_SYS_PACCT',
  'CAP_SYS_ADMIN',
  'CAP_SYS_BOOT',
  'CAP_SYS_NICE',
  'CAP_SYS_RESOURCE',
  'CAP_SYS_TIME',
  'CAP_SYS_TTY_CONFIG',
  'CAP_MKNOD',
  'CAP_LEASE',
  'CAP_AUDIT_WRITE',
  'CAP_AUDIT_CONTROL',
  'CAP_SETFCAP',
  'CAP_MAC_OVERRIDE',
  'CAP_MAC_ADMIN',
  'CAP_SYSLOG',
  'CAP_WAKE_ALARM',
  'CAP_BLOCK_SUSPEND',
  'CAP_AUDIT_READ',
  'CAP_PERFMON',
  'CAP_BPF',
  'CAP_CHECKPOINT_RESTORE',
]

const numbers = new Map(capabilityNames.map((name, number) => [name, number]))

/** Number of a capability by its full name ("CAP_NET_ADMIN"), or undefined. */
export function capabilityNumber(name: string): number | undefined {
  return numbers.get(name)
}

/** Bit mask of a set of full names, as /proc/<pid>/status shows it. Names that Linux does not know are skipped. */
export function capabilityMask(names: Iterable<string>): bigint {
  let mask = 0n
  for (const name of names) {
    const number = numbers.get(name)
    if (number !== undefined) mask |= 1n << BigInt(number)
  }
  return mask
}

/** Full names of the bits of a mask, in the order of their numbers. Bits without a name are left out. */
export function capabilitiesOf(mask: bigint): string[] {
  return capabilityNames.filter((_, number) => (mask >> BigInt(number)) & 1n)
}

export interface CapabilitySets {
  inheritable: bigint
  permitted: bigint
  effective: bigint
  bounding: bigint
  ambient: bigint
}

/** The five sets in the text of /proc/<pid>/status. */
export function parseCapabilitySets(status: string): CapabilitySets {
  const set = (field: string): bigint => {
    const found = new RegExp(`^${field}:\\s*([0-9a-f]+)$`, 'm').exec(status)
    if (!found) throw new Error(`cannot read capabilities: no ${field} in process status`)
    return BigInt(`0x${found[1]}`)
  }
  return {
    inheritable: set('CapInh'),
    permitted: set('CapPrm'),
    effective: set('CapEff'),
    bounding: set('CapBnd'),
    ambient: set('CapAmb'),
  }
}

/** Every capability of this kernel: what a process has in a user namespace that it makes or enters. */
export function allCapabilities(): bigint {
  const last = Number(readFileSync('/proc/sys/kernel/cap_last_cap', 'latin1'))
  return (1n << BigInt(Math.min(last + 1, capabilityNames.length))) - 1n
}

/**
 * What this process can hand on to a container: what is both permitted and in the bounding set.
 * Setting any other bit fails with EPERM, so sets are clipped to this (capabilities(7)).
 */
export function ownCapabilities(): bigint {
  const sets = parseCapabilitySets(readFileSync('/proc/self/status', 'utf8'))
  return sets.permitted & sets.bounding
}
