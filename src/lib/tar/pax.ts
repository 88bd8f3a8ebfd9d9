import { badTar } from './tar-failure.ts'

/** Records of a PAX extended header in order; keys may repeat (GNU sparse 0.0). */
export type PaxRecords = [key: string, value: Buffer][]

/** @throws InvalidParameter for a record whose length, "=" or newline is not where it must be */
export function parsePax(data: Buffer): PaxRecords {
  const records: PaxRecords = []
  for (let at = 0; at < data.length; ) {
    const space = data.indexOf(0x20, at)
    const digits = space === -1 || space - at > 10 ? '' : data.toString('latin1', at, space)
    const end = at + Number(digits)
    if (!/^[0-9]+$/.test(digits) || end > data.length || end <= space + 1 || data[end - 1] !== 0x0a) {
      if (data.subarray(at).every((byte) => byte === 0)) break
      throw badTar('an extended header record has a bad length')
    }
    const equals = data.indexOf(0x3d, space)
    if (equals === -1 || equals >= end || equals === space + 1) throw badTar('an extended header record has no key')
    records.push([data.toString('utf8', space + 1, equals), Buffer.from(data.subarray(equals + 1, end - 1))])
    at = end
  }
  return records
}

/** One "length key=value\n" record; the length counts itself. */
export function paxRecord(key: string, value: Buffer): Buffer {
  const body = Buffer.concat([Buffer.from(` ${key}=`), value, Buffer.from('\n')])
  let length = body.length + String(body.length).length
  if (String(length).length + body.length !== length) length++
  return Buffer.concat([Buffer.from(String(length)), body])
}

/** Decimal seconds with a fraction to nanoseconds; digits beyond are dropped. */
export function parsePaxTime(text: string): bigint {
  const match = /^(-?)([0-9]{1,18})(?:\.([0-9]*))?$/.exec(text)
  if (!match) throw badTar(`time ${JSON.stringify(text.slice(0, 40))} is no number`)
  const value = BigInt(match[2]!) * 1_000_000_000n + BigInt((match[3] ?? '').slice(0, 9).padEnd(9, '0'))
  return match[1] === '-' ? -value : value
}

export function formatPaxTime(nanoseconds: bigint): string {
  const absolute = nanoseconds < 0n ? -nanoseconds : nanoseconds
  const fraction = (absolute % 1_000_000_000n).toString().padStart(9, '0').replace(/0+$/, '')
  return `${nanoseconds < 0n ? '-' : ''}${absolute / 1_000_000_000n}${fraction === '' ? '' : `.${fraction}`}`
}

/** A decimal number that is not negative. */
export function parsePaxNumber(text: string, label: string): number {
  const value = /^[0-9]{1,16}$/.test(text) ? Number(text) : Number.NaN
  if (!Number.isSafeInteger(value)) throw badTar(`its ${label} ${JSON.stringify(text.slice(0, 40))} is absurd`)
  return value
}
