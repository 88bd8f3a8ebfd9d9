/** Reads RFC 3339 times in one zone fast: whole seconds are remembered between calls. */
export class LogClock {
  #second = ''
  #nanoseconds: bigint | undefined

  /** Nanoseconds since the epoch; undefined for what is no time. */
  parse(text: string): bigint | undefined {
    const zoneAt = zoneStart(text)
    const second = `${text.slice(0, 19)}${text.slice(zoneAt)}`
    if (second !== this.#second) {
      this.#second = second
      const milliseconds = Date.parse(second)
      this.#nanoseconds = Number.isNaN(milliseconds) ? undefined : BigInt(milliseconds) * 1_000_000n
    }
    return this.#nanoseconds === undefined ? undefined : this.#nanoseconds + fraction(text, zoneAt)
  }
}

/** As `docker logs -t` prints it: UTC with nine digits. */
export function fixedTimestamp(text: string): string {
  const zoneAt = zoneStart(text)
  const zone = text.slice(zoneAt)
  const second = zone === 'Z' ? text.slice(0, 19) : utcSecond(`${text.slice(0, 19)}${zone}`)
  const digits = zoneAt > 19 ? text.slice(20, zoneAt) : ''
  return `${second}.${digits.padEnd(9, '0').slice(0, 9)}Z`
}

function utcSecond(text: string): string {
  const at = Date.parse(text)
  return Number.isNaN(at) ? text.slice(0, 19) : new Date(at).toISOString().slice(0, 19)
}

function zoneStart(text: string): number {
  let at = 19
  if (text[at] === '.') {
    at += 1
    while (at < text.length && text.charCodeAt(at) >= 48 && text.charCodeAt(at) <= 57) at += 1
  }
  return at
}

function fraction(text: string, zoneAt: number): bigint {
  return zoneAt > 20 ? BigInt(text.slice(20, zoneAt).padEnd(9, '0').slice(0, 9)) : 0n
}

/** Without zeros at its end, as a json-file log has it. */
export function rfc3339Nano(time: bigint): string {
  const fraction = String(time % 1_000_000_000n).padStart(9, '0').replace(/0+$/, '')
  return `${new Date(Number(time / 1_000_000n)).toISOString().slice(0, 19)}${fraction === '' ? '' : `.${fraction}`}Z`
}
