/** Reads "0-3,8" as CPUs and memory nodes are listed (man 7 cpuset, "List format"). @returns undefined when it is no list */
export function parseNumberSet(text: string, most = 8191): number[] | undefined {
  const numbers = new Set<number>()
  for (const part of text.split(',')) {
    const [, from, to] = /^\s*(\d{1,5})(?:-(\d{1,5}))?\s*$/.exec(part) ?? []
    if (from === undefined) return undefined
    const [first, last] = [Number(from), Number(to ?? from)]
    if (last < first || last > most) return undefined
    for (let number = first; number <= last; number++) numbers.add(number)
  }
  return [...numbers].toSorted((one, other) => one - other)
}

/** A bit for each number, in words of 64 bits. */
export function bitMask(numbers: readonly number[]): Buffer {
  const mask = Buffer.alloc((Math.floor(Math.max(0, ...numbers) / 64) + 1) * 8)
  for (const number of numbers) mask[number >> 3]! |= 1 << (number & 7)
  return mask
}
