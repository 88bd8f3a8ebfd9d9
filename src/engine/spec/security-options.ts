import { GantryError } from '../../lib/errors.ts'
import type { SecurityDefaults } from '../security/defaults.ts'
import type { HostConfig } from '../types/host-config.ts'

/** What the values of --security-opt say. */
export interface SecurityOptions {
  /** "unconfined", "builtin", or the text of a profile in Docker's JSON format; undefined: the default profile. */
  seccomp?: string
  noNewPrivileges?: boolean
  /** Name of a profile. */
  apparmor?: string
  /** "disable", "type:x", "user:x" … */
  labels: string[]
  systemPathsUnconfined: boolean
  writableCgroups?: boolean
}

/** @throws InvalidParameter `invalid --security-opt 1: "x"` (not a pair), `invalid --security-opt 2: "x=y"` (unknown) */
export function parseSecurityOptions(options: readonly string[] | null | undefined): SecurityOptions {
  const parsed: SecurityOptions = { labels: [], systemPathsUnconfined: false }
  for (const option of options ?? []) {
    if (option === 'no-new-privileges') {
      parsed.noNewPrivileges = true
      continue
    }
    // Before 1.12 the separator was a colon; clients may still send it.
    const separator = option.includes('=') ? '=' : ':'
    const at = option.indexOf(separator)
    if (at <= 0) throw invalid(1, option)
    const value = option.slice(at + 1)
    switch (option.slice(0, at)) {
      case 'seccomp':
        parsed.seccomp = value
        break
      case 'apparmor':
        parsed.apparmor = value
        break
      case 'label':
        parsed.labels.push(value)
        break
      case 'no-new-privileges':
        parsed.noNewPrivileges = boolean(value, option)
        break
      case 'writable-cgroups':
        parsed.writableCgroups = boolean(value, option)
        break
      case 'systempaths':
        if (value !== 'unconfined') throw invalid(2, option)
        parsed.systemPathsUnconfined = true
        break
      default:
        throw invalid(2, option)
    }
  }
  return parsed
}

/** The AppArmor profile of a container, "unconfined" with --privileged; empty where the engine uses no AppArmor. */
export function apparmorProfileOf({ Privileged, SecurityOpt }: Pick<HostConfig, 'Privileged' | 'SecurityOpt'>, security: SecurityDefaults | undefined): string {
  if (security?.apparmor === undefined) return ''
  if (Privileged) return 'unconfined'
  return parseSecurityOptions(SecurityOpt).apparmor || security.apparmor
}

/** The words that Go's strconv.ParseBool takes. */
function boolean(value: string, option: string): boolean {
  if (/^(1|t|T|true|TRUE|True)$/.test(value)) return true
  if (/^(0|f|F|false|FALSE|False)$/.test(value)) return false
  throw invalid(2, option)
}

function invalid(place: number, option: string): GantryError {
  return new GantryError('InvalidParameter', `invalid --security-opt ${place}: ${JSON.stringify(option)}`)
}
