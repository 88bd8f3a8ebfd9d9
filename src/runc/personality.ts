import type { ProgramBuilder } from '../kernel/program-builder.ts'
import type { OciLinux } from './spec.ts'

/** Execution domains of OCI: linux/personality.h. */
export const personalities: Readonly<Record<string, number>> = { LINUX: 0, LINUX32: 8 }

export function setPersonality(builder: ProgramBuilder, personality: OciLinux['personality']): void {
  if (personality === undefined) return
  builder.call(`set personality ${personality.domain}`, 'personality', [personalities[personality.domain] ?? 0])
}
