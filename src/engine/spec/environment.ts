import type { ContainerConfig } from '../types/container-config.ts'

export const defaultPath = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'

/**
 * A container's environment: PATH, HOSTNAME, TERM for a terminal, then what links tell, then the image's and the user's, which replace in
 * place; a bare NAME removes. HOME is last, when nobody has set it.
 */
export function environmentOf(config: ContainerConfig, home: string, links: readonly string[] = []): string[] {
  const defaults = [`PATH=${defaultPath}`, `HOSTNAME=${config.Hostname ?? ''}`]
  if (config.Tty) defaults.push('TERM=xterm')
  return withHome(mergeEnvironment([...defaults, ...links], config.Env), home)
}

/** `overrides` replace entries of `base` where those stand; new ones go to the end. */
export function mergeEnvironment(base: readonly string[], overrides: readonly string[] | null | undefined): string[] {
  const merged = new Map<string, string>()
  for (const entry of base) merged.set(variableOf(entry), entry)
  for (const entry of overrides ?? []) {
    const name = variableOf(entry)
    if (entry.includes('=')) merged.set(name, entry)
    else merged.delete(name)
  }
  return [...merged.values()]
}

function withHome(environment: string[], home: string): string[] {
  return environment.some((entry) => variableOf(entry) === 'HOME') ? environment : [...environment, `HOME=${home}`]
}

function variableOf(entry: string): string {
  const end = entry.indexOf('=')
  return end === -1 ? entry : entry.slice(0, end)
}
