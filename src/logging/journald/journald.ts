import { existsSync } from 'node:fs'
import { GantryError } from '../../lib/errors.ts'
import { attributeOptions, extraAttributes } from '../attributes.ts'
import type { LogMessage, RemoteDriver } from '../contract.ts'
import { refuseUnknown } from '../option-values.ts'
import { logTag } from '../tag.ts'
import { openUnixDatagrams } from '../wire/datagrams.ts'
import { datagramSender } from '../wire/send-each.ts'

const socket = '/run/systemd/journal/socket'
const known = new Set<string>(attributeOptions)

/** The journal of the host's systemd, by its native protocol (systemd.io/JOURNAL_NATIVE_PROTOCOL). */
export const journald: RemoteDriver = {
  name: 'journald',
  check: (options) => refuseUnknown(options, known, (name) => `unknown log opt '${name}' for journald log driver`),
  async open(source, kernel) {
    if (!existsSync(socket)) throw new GantryError('Unavailable', 'journald is not enabled on this host')
    const tag = logTag(source)
    const fields: Record<string, string> = {
      CONTAINER_ID: source.id.slice(0, 12),
      CONTAINER_ID_FULL: source.id,
      CONTAINER_NAME: source.name,
      CONTAINER_TAG: tag,
      IMAGE_NAME: source.imageName,
      SYSLOG_IDENTIFIER: tag,
    }
    for (const [key, value] of extraAttributes(source)) {
      const name = fieldName(key)
      if (name !== '') fields[name] = value
    }
    const constant = Buffer.concat(Object.entries(fields).map(([name, value]) => field(name, Buffer.from(value))))
    return datagramSender(openUnixDatagrams(kernel, socket), (message) => [encode(message, constant)])
  },
}

function encode({ stream, time, line, partial }: LogMessage, constant: Buffer): Buffer {
  const own: [string, string][] = [['PRIORITY', stream === 'stderr' ? '3' : '6'], ['SYSLOG_TIMESTAMP', rfc3339Nano(time)]]
  if (partial !== undefined) {
    own.push(['CONTAINER_PARTIAL_ID', partial.id], ['CONTAINER_PARTIAL_ORDINAL', String(partial.ordinal)], ['CONTAINER_PARTIAL_LAST', String(partial.last)])
    if (!partial.last) own.push(['CONTAINER_PARTIAL_MESSAGE', 'true'])
  }
  return Buffer.concat([field('MESSAGE', line), ...own.map(([name, value]) => field(name, Buffer.from(value))), constant])
}

/** A value with a newline has its length before it: 64 bits, little-endian. */
function field(name: string, value: Buffer): Buffer {
  if (!value.includes(10)) return Buffer.concat([Buffer.from(`${name}=`), value, Buffer.of(10)])
  const length = Buffer.alloc(8)
  length.writeBigUInt64LE(BigInt(value.length))
  return Buffer.concat([Buffer.from(`${name}\n`), length, value, Buffer.of(10)])
}

/** Upper case letters, digits and underscores, not one of these first. */
function fieldName(key: string): string {
  return key.toUpperCase().replaceAll(/[^A-Z0-9]/g, '_').replace(/^_+/, '')
}

function rfc3339Nano(time: bigint): string {
  const fraction = String(time % 1_000_000_000n).padStart(9, '0').replace(/0+$/, '')
  return `${new Date(Number(time / 1_000_000n)).toISOString().slice(0, 19)}${fraction === '' ? '' : `.${fraction}`}Z`
}
