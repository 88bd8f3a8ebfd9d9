import { readFileSync } from 'node:fs'
import { openApparmor } from '../engine/security/apparmor.ts'
import type { SecurityDefaults } from '../engine/security/defaults.ts'
import { openRemap } from '../engine/user-namespace/open-remap.ts'
import type { Kernel } from '../kernel/kernel.ts'
import { containerContexts, selinuxEnabled } from '../kernel/selinux.ts'
import { parseProfile } from '../kernel/seccomp/profile.ts'
import { GantryError, messageOf } from '../lib/errors.ts'
import type { FlagValues } from './command-line.ts'
import type { Log } from './log.ts'

/** Flags about how containers are confined. */
export interface SecurityConfig {
  usernsRemap?: string
  selinuxEnabled: boolean
  /** "builtin", "unconfined" or a path. */
  seccompProfile: string
  noNewPrivileges: boolean
}

export function resolveSecurity(values: FlagValues): SecurityConfig {
  const remap = values.get('userns-remap') as string | undefined
  return {
    ...(remap ? { usernsRemap: remap } : {}),
    selinuxEnabled: values.get('selinux-enabled') === true,
    seccompProfile: (values.get('seccomp-profile') as string | undefined) || 'builtin',
    noNewPrivileges: values.get('no-new-privileges') === true,
  }
}

/** Makes the host ready for what the flags ask. @throws InvalidParameter, Unavailable */
export async function openSecurity(kernel: Kernel, config: SecurityConfig, log: Log): Promise<SecurityDefaults> {
  const { usernsRemap, noNewPrivileges, seccompProfile } = config
  const seccomp = readSeccompProfile(seccompProfile)
  const userRemap = await openRemap(kernel, usernsRemap)
  if (usernsRemap !== undefined && userRemap === undefined) log('warn', `--userns-remap ${usernsRemap} maps root to itself: user namespaces stay off`)
  const apparmor = await openApparmor(kernel, (line) => log('warn', line))
  const selinux = config.selinuxEnabled ? openSelinux(log) : undefined
  return { noNewPrivileges, seccompName: seccompProfile, ...(seccomp && { seccomp }), ...(userRemap && { userRemap }), ...(apparmor !== undefined && { apparmor }), ...(selinux && { selinux }) }
}

function openSelinux(log: Log): SecurityDefaults['selinux'] {
  const contexts = selinuxEnabled() ? containerContexts() : undefined
  if (!selinuxEnabled()) log('warn', 'Docker could not enable SELinux on the host system')
  else if (contexts === undefined) log('warn', 'Docker could not enable SELinux on the host system: its policy has no labels for containers (lxc_contexts)')
  return contexts
}

function readSeccompProfile(name: string): string | undefined {
  if (name === 'builtin') return undefined
  if (name === 'unconfined') return name
  try {
    const text = readFileSync(name, 'utf8')
    parseProfile(text)
    return text
  } catch (cause) {
    throw new GantryError('InvalidParameter', `opening seccomp profile (${name}) failed: ${messageOf(cause)}`, { cause })
  }
}
