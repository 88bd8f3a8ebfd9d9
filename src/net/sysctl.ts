import { readFileSync, writeFileSync } from 'node:fs'

/**
 * Sets a value under /proc/sys. Synchronous on purpose: /proc/sys/net is the calling thread's namespace.
 * @returns what was changed, in words, or undefined
 */
export function setSysctl(name: string, value: string): string | undefined {
  const file = `/proc/sys/${name}`
  const before = readFileSync(file, 'utf8').trim()
  if (before === value) return undefined
  try {
    writeFileSync(file, value)
  } catch (error) {
    throw new Error(`cannot set ${name.replaceAll('/', '.')} to ${value}`, { cause: error })
  }
  return `${name.replaceAll('/', '.')}: ${before} -> ${value}`
}
