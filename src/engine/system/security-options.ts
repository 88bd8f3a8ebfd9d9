import type { SecurityDefaults } from '../security/defaults.ts'
import type { Host } from './host.ts'

/** info's SecurityOptions, in Docker's order: clients make lines of "Security Options" of them. */
export function securityOptionsOf(host: Pick<Host, 'seccomp' | 'cgroupNamespaces'>, security: SecurityDefaults = {}): string[] {
  const options: [string, boolean][] = [
    ['apparmor', Boolean(security.apparmor)],
    [`seccomp,profile=${security.seccompName ?? 'builtin'}`, host.seccomp],
    ['selinux', security.selinux !== undefined],
    ['userns', security.userRemap !== undefined],
    ['cgroupns', host.cgroupNamespaces],
    ['no-new-privileges', security.noNewPrivileges === true],
  ]
  return options.flatMap(([name, on]) => (on ? [`name=${name}`] : []))
}
