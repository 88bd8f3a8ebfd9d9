import { readFileSync } from 'node:fs'

/** Is a parameter of the kernel's overlay on by default? */
export function moduleParameter(name: string): boolean {
  try {
    return readFileSync(`/sys/module/overlay/parameters/${name}`, 'utf8').trim() === 'Y'
  } catch {
    return false
  }
}
