import { GantryError, messageOf } from '../../lib/errors.ts'
import { apparmorEnabled, apparmorParser, loadedProfiles, loadProfiles } from '../../kernel/apparmor.ts'
import type { Kernel } from '../../kernel/kernel.ts'
import { defaultProfileName, profileText } from './apparmor-profile.ts'

/**
 * Loads the default profile.
 * @returns its name; empty where there is nothing to load it with, undefined without AppArmor
 * @throws Unavailable when the host refuses the profile
 */
export async function openApparmor(kernel: Kernel, warn: (line: string) => void): Promise<string | undefined> {
  if (!apparmorEnabled()) return undefined
  if (apparmorParser() === undefined) {
    warn('AppArmor is on, but apparmor_parser is not installed: containers that name no profile run unconfined by it')
    return ''
  }
  try {
    await loadProfiles(kernel, profileText(defaultProfileName))
    return defaultProfileName
  } catch (cause) {
    throw new GantryError('Unavailable', `AppArmor enabled on system but the ${defaultProfileName} profile could not be loaded: ${messageOf(cause)}`, { cause })
  }
}

/**
 * Before a container starts under a profile: the default one is loaded again when somebody has removed it.
 * @throws InvalidParameter when there is no such profile
 */
export async function requireProfile(kernel: Kernel, profile: string): Promise<void> {
  if (profile === '' || profile === 'unconfined' || loadedProfiles().has(profile)) return
  if (profile === defaultProfileName) return loadProfiles(kernel, profileText(profile))
  throw new GantryError('InvalidParameter', `cannot apply AppArmor profile ${JSON.stringify(profile)}: it is not loaded`)
}
