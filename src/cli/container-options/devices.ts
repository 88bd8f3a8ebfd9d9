import { readBytes } from '../grammar/flag-value.ts'
import type { FlagValues } from '../grammar/flag.ts'
import { parseCsv } from './csv.ts'
import { OptionError } from './option-error.ts'

/** --device: host[:container][:permissions]. */
export function device(word: string): { PathOnHost: string; PathInContainer: string; CgroupPermissions: string } {
  const parts = word.split(':')
  if (parts.length > 3 || parts[0] === '') throw new OptionError(`bad format for path: ${word}`)
  const [host, second, third] = parts
  if (third !== undefined && !isMode(third)) throw new OptionError(`bad mode specified: ${third}`)
  const mode = third ?? (isMode(second) ? second : undefined)
  const path = isMode(second) && third === undefined ? host! : (second ?? host!)
  if (!path.startsWith('/')) throw new OptionError(`${path} is not an absolute path`)
  return { PathOnHost: host!, PathInContainer: path, CgroupPermissions: mode ?? 'rwm' }
}

/** vendor.com/class=name: no path, but a device that a CDI specification describes. */
export function isCdiDevice(word: string): boolean {
  return /^[a-z][\w.-]*\/[a-z][\w-]*=[\w.:-]+$/i.test(word)
}

/** --gpus, and the --device words that name CDI devices. */
export function deviceRequests(flags: FlagValues): Record<string, unknown>[] {
  const named = flags.list('device').filter(isCdiDevice)
  return [...(flags.string('gpus') ? [gpuRequest(flags.string('gpus'))] : []), ...(named.length > 0 ? [{ Driver: 'cdi', Count: 0, DeviceIDs: named, Capabilities: null, Options: null }] : [])]
}

function isMode(text: string | undefined): boolean {
  return text !== undefined && /^[rwm]{1,3}$/.test(text) && new Set(text).size === text.length
}

/** --device-read-bps and the like: device:rate, in bytes with a unit or in operations. */
export function deviceRate(word: string, unit: 'bytes' | 'operations'): { Path: string; Rate: number } {
  const [path, rate, ...more] = word.split(':')
  if (rate === undefined || more.length > 0) throw new Error(`bad format: ${word}`)
  if (!path!.startsWith('/dev/')) throw new Error(`bad format for device path: ${word}`)
  const hint = unit === 'bytes' ? '<device-path>:<number>[<unit>]. Number must be a positive integer. Unit is optional and can be kb, mb, or gb' : '<device-path>:<number>. Number must be a positive integer'
  const failure = new Error(`invalid rate for device: ${word}. The correct format is ${hint}`)
  if (unit === 'operations' && !/^\d+$/.test(rate)) throw failure
  try {
    return { Path: path!, Rate: unit === 'bytes' ? readBytes(rate) : Number(rate) }
  } catch {
    throw failure
  }
}

/** --blkio-weight-device: device:weight. */
export function deviceWeight(word: string): { Path: string; Weight: number } {
  const [path, weight, ...more] = word.split(':')
  if (weight === undefined || more.length > 0) throw new Error(`bad format: ${word}`)
  if (!path!.startsWith('/dev/')) throw new Error(`bad format for device path: ${word}`)
  const value = Number(weight)
  const inRange = /^\d+$/.test(weight) && (value === 0 || (value >= 10 && value <= 1000))
  if (!inRange) throw new Error(`invalid weight for device: ${word}`)
  return { Path: path!, Weight: value }
}

/** --gpus: "all", a number, or count=, device=, capabilities=, driver=, options=. */
export function gpuRequest(word: string): Record<string, unknown> {
  const request = { Driver: '', Count: 1, DeviceIDs: null as string[] | null, Capabilities: [['gpu']], Options: {} as Record<string, string> }
  for (const field of parseCsv(word)) {
    const equals = field.indexOf('=')
    const key = equals < 0 ? 'count' : field.slice(0, equals)
    const value = field.slice(equals + 1)
    if (key === 'count') request.Count = gpuCount(value)
    else if (key === 'driver') request.Driver = value
    else if (key === 'capabilities') request.Capabilities = [[...value.split(','), 'gpu']]
    else if (key === 'device') {
      request.DeviceIDs = value.split(',')
      request.Count = 0
    } else if (key === 'options') {
      request.Options = Object.fromEntries(parseCsv(value).map((pair) => [pair.split('=')[0]!, pair.split('=').slice(1).join('=')]))
    } else throw new OptionError(`unexpected key '${key}' in '${field}'`)
  }
  return request
}

function gpuCount(text: string): number {
  if (text === 'all') return -1
  if (!/^-?\d+$/.test(text)) throw new OptionError(`invalid count (${text}): value must be either "all" or an integer`)
  return Number(text)
}
