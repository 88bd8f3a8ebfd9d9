import { allCapabilities, capabilityMask, capabilityNames, ownCapabilities } from '../kernel/capabilities.ts'
import {
  LINUX_CAPABILITY_VERSION_3, PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, PR_CAPBSET_DROP,
} from '../kernel/constants/processes.ts'
import type { ProgramBuilder } from '../kernel/program-builder.ts'
import type { OciCapabilities } from './spec.ts'
import type { UserNamespace } from './user-namespace.ts'

/** Masks, clipped to what the engine can hand on. */
export interface CapabilityMasks {
  bounding: bigint
  effective: bigint
  permitted: bigint
  inheritable: bigint
  ambient: bigint
}

const EINVAL = 22
const known = new Set(capabilityNames)

/** Without a `capabilities` object a process has none. */
export function capabilityMasks(capabilities: OciCapabilities | undefined, available: bigint): CapabilityMasks {
  const mask = (names: string[] | undefined): bigint => capabilityMask(names ?? []) & available
  const permitted = mask(capabilities?.permitted)
  const inheritable = mask(capabilities?.inheritable)
  return {
    permitted,
    inheritable,
    bounding: mask(capabilities?.bounding),
    effective: mask(capabilities?.effective) & permitted,
    ambient: mask(capabilities?.ambient) & permitted & inheritable,
  }
}

/** The warning about names that no capability of this program has, if there are any. */
export function unknownCapabilities(capabilities: OciCapabilities | undefined): string[] {
  const unknown = new Set(Object.values(capabilities ?? {}).flat().filter((name) => !known.has(name)))
  return unknown.size === 0 ? [] : [`ignoring unknown or unavailable capabilities: [${[...unknown].join(' ')}]`]
}

/** What a process can be given: in a user namespace that is entered every capability, whatever there is outside. */
export function availableInside(users: UserNamespace): bigint {
  return users.kind === 'own' ? ownCapabilities() : allCapabilities()
}

/** What neither this process nor anything that it executes can ever have. An older kernel lacks the newest ones. */
export function dropBounding(builder: ProgramBuilder, bounding: bigint): void {
  for (const [number, name] of capabilityNames.entries()) {
    if ((bounding >> BigInt(number)) & 1n) continue
    builder.call(`drop capability ${name}`, 'prctl', [PR_CAPBSET_DROP, number, 0, 0, 0], { ignore: [EINVAL] })
  }
}

/** struct __user_cap_header_struct and two of __user_cap_data_struct (man 2 capset). */
export function setCapabilities(builder: ProgramBuilder, label: string, masks: Pick<CapabilityMasks, 'effective' | 'permitted' | 'inheritable'>): void {
  const header = Buffer.alloc(8)
  header.writeUInt32LE(LINUX_CAPABILITY_VERSION_3, 0)
  const { effective, permitted, inheritable } = masks
  const words = [0n, 32n].flatMap((shift) => [effective, permitted, inheritable].map((mask) => Number((mask >> shift) & 0xffff_ffffn)))
  builder.call(label, 'capset', [builder.bytes(header), builder.bytes(Buffer.from(Uint32Array.from(words).buffer))])
}

export function raiseAmbient(builder: ProgramBuilder, ambient: bigint): void {
  for (const [number, name] of capabilityNames.entries()) {
    if (!((ambient >> BigInt(number)) & 1n)) continue
    builder.call(`raise ambient capability ${name}`, 'prctl', [PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, number, 0, 0])
  }
}
