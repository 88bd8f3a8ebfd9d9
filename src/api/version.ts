import { GantryError } from '../lib/errors.ts'

/** Engine API versions spoken, as "major.minor". */
export const minApiVersion = '1.24'
export const maxApiVersion = '1.51'

/**
 * Splits "/v1.43/containers/json" into the minor version that the client speaks and the path below it. Without a prefix
 * the newest version is meant.
 * @throws InvalidParameter with Docker's text for a version outside the range
 */
export function negotiate(path: string): { minor: number; path: string } {
  const match = /^\/v([0-9.]+)(\/.*)$/.exec(path)
  if (match === null) return { minor: minorOf(maxApiVersion), path }
  const [, version = '', rest = '/'] = match
  if (compare(version, minApiVersion) < 0) {
    throw invalid(`client version ${version} is too old. Minimum supported API version is ${minApiVersion}, please upgrade your client to a newer version`)
  }
  if (compare(version, maxApiVersion) > 0) {
    throw invalid(`client version ${version} is too new. Maximum supported API version is ${maxApiVersion}`)
  }
  return { minor: minorOf(version), path: rest }
}

function minorOf(version: string): number {
  return Number(version.split('.')[1] ?? 0)
}

function compare(left: string, right: string): number {
  const a = left.split('.').map(Number)
  const b = right.split('.').map(Number)
  for (let index = 0; index < Math.max(a.length, b.length); index++) {
    const difference = (a[index] ?? 0) - (b[index] ?? 0)
    if (difference !== 0) return difference
  }
  return 0
}

function invalid(message: string): GantryError {
  return new GantryError('InvalidParameter', message)
}
