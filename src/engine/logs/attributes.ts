import type { ContainerConfig } from '../types/container-config.ts'

/**
 * What `docker logs --details` prints before a line: the labels and variables that the log options `labels` and
 * `env` (comma-separated names) choose, as "key=value,…", keys sorted, query-escaped.
 */
export function logAttributes(config: ContainerConfig, options: Record<string, string> | null | undefined): string {
  const chosen = new Map<string, string>()
  for (const name of names(options?.['labels'])) {
    const value = config.Labels?.[name]
    if (value !== undefined) chosen.set(name, value)
  }
  const variables = new Map((config.Env ?? []).map((entry) => splitVariable(entry)))
  for (const name of names(options?.['env'])) {
    const value = variables.get(name)
    if (value !== undefined) chosen.set(name, value)
  }
  return [...chosen]
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([key, value]) => `${encodeURIComponent(key)}=${encodeURIComponent(value)}`)
    .join(',')
}

function names(list: string | undefined): string[] {
  return (list ?? '').split(',').filter((name) => name !== '')
}

function splitVariable(entry: string): [string, string] {
  const at = entry.indexOf('=')
  return at < 0 ? [entry, ''] : [entry.slice(0, at), entry.slice(at + 1)]
}
