import { capabilitiesOf } from '../../../kernel/capabilities.ts'
import { parseProfile, resolveProfile } from '../../../kernel/seccomp/profile.ts'
import { GantryError, messageOf } from '../../../lib/errors.ts'
import type { HostConfig } from '../../types/host-config.ts'
import { requestedCapabilities } from '../capabilities.ts'
import type { HostFacts } from '../input.ts'
import { parseSecurityOptions } from '../security-options.ts'

const builtInSeccomp = new Set([undefined, 'unconfined', 'builtin'])

/**
 * --cap-add, --cap-drop and --security-opt.
 * @returns a warning for asked-for capabilities that the engine itself lacks
 */
export function checkSecurity(hostConfig: HostConfig, host: HostFacts): string[] {
  const { seccomp } = parseSecurityOptions(hostConfig.SecurityOpt)
  const requested = requestedCapabilities(hostConfig)
  if (!builtInSeccomp.has(seccomp)) checkProfile(seccomp ?? '', requested, host)
  const missing = capabilitiesOf(requested & ~host.capabilities)
  if (missing.length === 0 || hostConfig.Privileged || all(hostConfig)) return []
  return [`This host does not have ${missing.join(', ')}: the container runs without.`]
}

/** "All" means all that there are; naming one that is missing is worth a word. */
function all({ CapAdd }: HostConfig): boolean {
  return (CapAdd ?? []).some((name) => /^(CAP_)?ALL$/i.test(name.trim()))
}

function checkProfile(text: string, requested: bigint, host: HostFacts): void {
  try {
    resolveProfile(parseProfile(text), {
      capabilities: capabilitiesOf(requested & host.capabilities),
      kernel: host.kernel,
      architecture: host.architecture,
    })
  } catch (cause) {
    throw new GantryError('InvalidParameter', messageOf(cause), { cause })
  }
}
