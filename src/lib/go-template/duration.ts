/** Go's time.Duration: an integer of nanoseconds that prints as "1h30m0s". */
export class GoDuration {
  readonly nanoseconds: number | bigint

  constructor(nanoseconds: number | bigint) {
    this.nanoseconds = nanoseconds
  }

  toString(): string {
    const total = BigInt(this.nanoseconds)
    if (total === 0n) return '0s'
    const sign = total < 0n ? '-' : ''
    const size = total < 0n ? -total : total
    const unit = ([['ns', 1n], ['µs', 1000n], ['ms', 1_000_000n]] as const).find(([, one]) => size < one * 1000n)
    if (unit !== undefined) return `${sign}${decimal(size, unit[1])}${unit[0]}`
    const seconds = size / 1_000_000_000n
    const [hours, minutes] = [seconds / 3600n, (seconds % 3600n) / 60n]
    const rest = `${decimal(size % 60_000_000_000n, 1_000_000_000n)}s`
    return `${sign}${hours > 0n ? `${hours}h` : ''}${seconds >= 60n ? `${minutes}m` : ''}${rest}`
  }
}

/** A quotient with as many digits behind the point as it needs. */
function decimal(size: bigint, unit: bigint): string {
  const fraction = (size % unit).toString().padStart(unit.toString().length - 1, '0').replace(/0+$/, '')
  return fraction === '' || unit === 1n ? String(size / unit) : `${size / unit}.${fraction}`
}
