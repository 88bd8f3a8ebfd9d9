import { GantryError } from '../../../lib/errors.ts'

/** What has a name with this prefix is half made, or half removed. */
export const half = 'tmp-'

/** The 64 hexadecimal digits of a chain id. */
export function hexOf(chainId: string): string {
  const match = /^sha256:([a-f0-9]{64})$/.exec(chainId)
  if (!match) throw new GantryError('InvalidParameter', `${JSON.stringify(chainId)} is no chain id`)
  return match[1]!
}

export function checkKey(key: string): void {
  if (!/^[a-zA-Z0-9][a-zA-Z0-9_.-]*$/.test(key) || key.startsWith(half)) {
    throw new GantryError('InvalidParameter', `${JSON.stringify(key)} is no snapshot key`)
  }
}
