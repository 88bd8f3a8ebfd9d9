import { existsSync, readFileSync } from 'node:fs'
import { KernelError } from './failure.ts'
import type { Kernel } from './kernel.ts'

const securityfs = '/sys/kernel/security/apparmor'
/** Where distributions have it; the PATH of a service may lack both. */
const parsers = ['/sbin/apparmor_parser', '/usr/sbin/apparmor_parser']

/** Whether the kernel has AppArmor on. */
export function apparmorEnabled(): boolean {
  return readOr('/sys/module/apparmor/parameters/enabled').startsWith('Y') && existsSync(securityfs)
}

/** The compiler of profiles: the kernel takes only what it has compiled. undefined where it is not installed. */
export function apparmorParser(): string | undefined {
  return parsers.find((path) => existsSync(path))
}

/** Names of the loaded profiles. */
export function loadedProfiles(): Set<string> {
  // Lines of "name (mode)"; names may hold spaces.
  return new Set(readFileSync(`${securityfs}/profiles`, 'utf8').split('\n').flatMap((line) => / \(\w+\)$/.test(line) ? [line.slice(0, line.lastIndexOf(' ('))] : []))
}

/** Compiles and loads profiles, in place of those of the same name. Processes under them go on under the new ones. */
export async function loadProfiles(kernel: Pick<Kernel, 'tool'>, text: string): Promise<void> {
  const { code, stderr } = await kernel.tool([apparmorParser() ?? 'apparmor_parser', '--replace', '--skip-cache'], text)
  if (code !== 0) throw new KernelError(`cannot load the AppArmor profile: ${stderr.trim()}`, 22)
}

function readOr(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return ''
  }
}
