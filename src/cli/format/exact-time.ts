import { goTime } from './human.ts'

/** An RFC 3339 time as Go prints it, nanoseconds kept: "2026-11-24 06:13:46.556322586 +0000 UTC". */
export function goTimeExact(rfc3339: string): string {
  const fraction = /\.(\d+?)0*(?:Z|[+-]\d)/.exec(rfc3339)?.[1]
  const text = goTime(Math.floor(Date.parse(rfc3339) / 1000))
  return fraction ? text.replace(/(:\d\d) /, `$1.${fraction} `) : text
}

/** Nanoseconds since 1970 in local time with nine digits: "2026-11-24T06:22:02.291394908Z". */
export function eventTime(nanoseconds: bigint): string {
  const seconds = Number(nanoseconds / 1_000_000_000n)
  const [day, time, zone] = goTime(seconds).split(' ')
  const fraction = String(nanoseconds % 1_000_000_000n).padStart(9, '0')
  return `${day}T${time}.${fraction}${zone === '+0000' ? 'Z' : `${zone!.slice(0, 3)}:${zone!.slice(3)}`}`
}
