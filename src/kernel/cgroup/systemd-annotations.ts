import { GantryError, messageOf } from '../../lib/errors.ts'
import type { Variant } from '../dbus/value.ts'
import { parseVariantText } from '../dbus/variant-text.ts'
import type { UnitProperty } from './systemd-properties.ts'

export const propertyPrefix = 'org.systemd.property.'

/**
 * Properties that annotations give the unit of a container: `org.systemd.property.TimeoutStopUSec=uint64 5000000`, with the value in the
 * text format of GVariant. Times may also be named as in unit files, `TimeoutStopSec`, and are then in seconds (runc, docs/systemd.md).
 * @throws GantryError InvalidParameter
 */
export function annotatedProperties(annotations: Readonly<Record<string, string>> = {}): UnitProperty[] {
  const entries = Object.entries(annotations).filter(([key]) => key.startsWith(propertyPrefix))
  return entries.map(([key, text]) => {
    const name = key.slice(propertyPrefix.length)
    if (!/^[A-Za-z]{3,}$/.test(name)) throw invalid(`annotation ${key} name incorrect: ${name.length < 3 ? 'too short' : 'contains non-alphabetic character'}`)
    try {
      const value = parseVariantText(text)
      return /[a-z]Sec$/.test(name) ? [`${name.slice(0, -'Sec'.length)}USec`, microseconds(value)] : [name, value]
    } catch (error) {
      throw invalid(`annotation ${key}=${text} value parse error: ${messageOf(error)}`)
    }
  })
}

function microseconds({ signature, value }: Variant): Variant {
  if (signature.length !== 1 || !'ynqiuxtd'.includes(signature)) throw new Error('not a number')
  const seconds = value as number | bigint
  if (!(seconds >= 0) || Number(seconds) > 2 ** 64 / 1e6) throw new Error(`${String(seconds)} seconds are no time`)
  return { signature: 't', value: typeof seconds === 'bigint' ? seconds * 1_000_000n : BigInt(Math.trunc(seconds * 1e6)) }
}

function invalid(message: string): GantryError {
  return new GantryError('InvalidParameter', message)
}
