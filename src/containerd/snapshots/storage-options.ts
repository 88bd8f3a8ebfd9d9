import { GantryError } from '../../lib/errors.ts'

const units: Record<string, number> = { '': 1, b: 1, k: 2 ** 10, m: 2 ** 20, g: 2 ** 30, t: 2 ** 40, p: 2 ** 50 }

/** Bytes as people write them: "10G", "512mb", "1.5GiB", "1048576"; factors of 1024 (go-units RAMInBytes). undefined for what is none. */
export function parseBytes(text: string): number | undefined {
  const match = /^(\d+(?:\.\d+)?) ?([bkmgtp])?i?b?$/i.exec(text)
  if (match === null) return undefined
  return Math.floor(Number(match[1]) * units[(match[2] ?? '').toLowerCase()]!)
}

/**
 * Takes a driver's own options apart.
 * @throws InvalidParameter "<driver>: unknown option x"
 */
export function driverOptions(driver: string, prefix: string, given: readonly string[], known: readonly string[]): Map<string, string> {
  const found = new Map<string, string>()
  for (const option of given) {
    const [key, value] = splitOnce(option)
    if (value === undefined) throw new GantryError('InvalidParameter', `unable to parse key/value option: ${JSON.stringify(option)}`)
    const name = key.toLowerCase()
    if (!name.startsWith(`${prefix}.`) || !known.includes(name.slice(prefix.length + 1))) {
      throw new GantryError('InvalidParameter', `${driver}: unknown option ${key}`)
    }
    found.set(name.slice(prefix.length + 1), value)
  }
  return found
}

/**
 * A container's `--storage-opt`: only "size" has a meaning.
 * @throws InvalidParameter with the driver's text
 */
export function containerQuota(options: Readonly<Record<string, string>> | null | undefined): number | undefined {
  let quota: number | undefined
  for (const [key, value] of Object.entries(options ?? {})) {
    if (key.toLowerCase() !== 'size') throw new GantryError('InvalidParameter', `Unknown option ${key}`)
    quota = parseBytes(value)
    if (quota === undefined || quota === 0) throw new GantryError('InvalidParameter', `invalid size: '${value}'`)
  }
  return quota
}

function splitOnce(option: string): [string, string | undefined] {
  const at = option.indexOf('=')
  return at === -1 ? [option, undefined] : [option.slice(0, at).trim(), option.slice(at + 1).trim()]
}
