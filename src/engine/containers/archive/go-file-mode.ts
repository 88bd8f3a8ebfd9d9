import type { BigIntStats } from 'node:fs'

const typeBits: [test: (stats: BigIntStats) => boolean, bits: number][] = [
  [(stats) => stats.isDirectory(), 2 ** 31],
  [(stats) => stats.isSymbolicLink(), 2 ** 27],
  [(stats) => stats.isBlockDevice(), 2 ** 26],
  [(stats) => stats.isCharacterDevice(), 2 ** 26 + 2 ** 21],
  [(stats) => stats.isFIFO(), 2 ** 25],
  [(stats) => stats.isSocket(), 2 ** 24],
]

/** A mode as Go's io/fs.FileMode has it, a number of 32 bits without a sign. */
export function goFileMode(stats: BigIntStats): number {
  const mode = Number(stats.mode)
  const type = typeBits.find(([test]) => test(stats))?.[1] ?? 0
  const special = (mode & 0o4000 ? 2 ** 23 : 0) + (mode & 0o2000 ? 2 ** 22 : 0) + (mode & 0o1000 ? 2 ** 20 : 0)
  return type + special + (mode & 0o777)
}
