import { general } from '../../lib/go-template/printf.ts'

const decimalUnits = ['B', 'kB', 'MB', 'GB', 'TB', 'PB', 'EB', 'ZB', 'YB']
const binaryUnits = ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB', 'EiB', 'ZiB', 'YiB']

/** Bytes in powers of 1000 with `digits` significant digits: "4.26MB". */
export function humanSize(bytes: number, digits = 4): string {
  return scaled(bytes, { base: 1000, units: decimalUnits, digits })
}

/** Bytes in powers of 1024: "23.54GiB". */
export function humanBinarySize(bytes: number): string {
  return scaled(bytes, { base: 1024, units: binaryUnits, digits: 4 })
}

function scaled(bytes: number, scale: { base: number; units: string[]; digits: number }): string {
  let value = bytes
  let unit = 0
  while (value >= scale.base && unit < scale.units.length - 1) {
    value /= scale.base
    unit++
  }
  return general(value, scale.digits) + scale.units[unit]
}

/** A span of seconds the way people say it: "About an hour", "3 days". */
export function humanDuration(seconds: number): string {
  if (seconds < 1) return 'Less than a second'
  const whole = Math.trunc(seconds)
  if (whole === 1) return '1 second'
  if (whole < 60) return `${whole} seconds`
  const minutes = Math.trunc(seconds / 60)
  if (minutes === 1) return 'About a minute'
  if (minutes < 60) return `${minutes} minutes`
  const hours = Math.round(seconds / 3600)
  if (hours === 1) return 'About an hour'
  if (hours < 48) return `${hours} hours`
  const days = hours / 24
  if (days < 14) return `${Math.trunc(days)} days`
  if (days < 60) return `${Math.trunc(days / 7)} weeks`
  if (days < 730) return `${Math.trunc(days / 30)} months`
  return `${Math.trunc(days / 365)} years`
}

/** "5 minutes ago" for a time in seconds since 1970. */
export function timeAgo(unixSeconds: number, now = Date.now()): string {
  return `${humanDuration(now / 1000 - unixSeconds)} ago`
}

/** A time as Go prints it, in local time: "2026-11-24 06:13:54 +0000 UTC". */
export function goTime(unixSeconds: number): string {
  const date = new Date(unixSeconds * 1000)
  const offset = -date.getTimezoneOffset()
  const zone = `${offset < 0 ? '-' : '+'}${two(Math.abs(offset) / 60)}${two(Math.abs(offset) % 60)}`
  const name = new Intl.DateTimeFormat('en-US', { timeZoneName: 'short' }).formatToParts(date).find((part) => part.type === 'timeZoneName')
  const day = `${String(date.getFullYear()).padStart(4, '0')}-${two(date.getMonth() + 1)}-${two(date.getDate())}`
  return `${day} ${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())} ${zone} ${name?.value ?? ''}`.trimEnd()
}

function two(value: number): string {
  return String(Math.trunc(value)).padStart(2, '0')
}

/** Cuts to `width` characters, the last of them an ellipsis if anything was cut. */
export function ellipsis(text: string, width: number): string {
  const chars = Array.from(text)
  return chars.length <= width ? text : `${chars.slice(0, width - 1).join('')}…`
}

/** An identifier without its algorithm, cut to twelve characters. */
export function shortId(id: string): string {
  return id.slice(id.indexOf(':') + 1).slice(0, 12)
}
