const known = new Set(['type', 'device', 'o', 'size'])
const needs: [string, string[]][] = [
  ['device', ['type']],
  ['type', ['device']],
  ['o', ['device', 'type']],
]

/**
 * What is wrong with the options of driver "local", in Docker's words: `type`, `device` and `o` are what mount(8) takes; they are
 * looked at when the volume is mounted. `size` needs a file system that counts what a directory takes (`hasQuota`).
 */
export function localOptionsProblem(options: Readonly<Record<string, string>>, hasQuota: boolean): string | undefined {
  const unknown = Object.keys(options).find((key) => !known.has(key))
  if (unknown !== undefined) return `invalid option: ${JSON.stringify(unknown)}`
  const { size } = options
  if (size !== undefined) {
    const bytes = ramInBytes(size)
    if (bytes === undefined) return `invalid size: '${size}'`
    if (bytes > 0 && !hasQuota) return 'quota size requested but no quota support'
  }
  for (const [key, others] of needs) {
    const missing = Object.hasOwn(options, key) ? others.find((other) => !Object.hasOwn(options, other)) : undefined
    if (missing !== undefined) return `missing required option: ${JSON.stringify(missing)}`
  }
  return undefined
}

/** Bytes that the volume may hold; undefined for no limit. */
export function quotaOf(options: Readonly<Record<string, string>> | null | undefined): number | undefined {
  return (options?.['size'] !== undefined && ramInBytes(options['size'])) || undefined
}

const powers = 'kmgtp'

/** "10m", "1.5GiB": bytes in powers of 1024. */
function ramInBytes(text: string): number | undefined {
  const [, amount, unit] = /^(\d+(?:\.\d+)?) ?([kmgtp]?)(?:i?b)?$/i.exec(text.trim()) ?? []
  if (amount === undefined) return undefined
  return Number(amount) * 1024 ** (unit ? powers.indexOf(unit.toLowerCase()) + 1 : 0)
}
