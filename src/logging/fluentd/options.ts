import { attributeOptions } from '../attributes.ts'
import type { LogOptions } from '../contract.ts'
import { boolean, duration, given, integer, invalid, memorySize, refuseUnknown } from '../option-values.ts'
import { isTransport, parseAddress, splitHostPort, type Address } from '../wire/address.ts'

const known = new Set([
  ...attributeOptions, 'fluentd-address', 'fluentd-async', 'fluentd-async-connect', 'fluentd-async-reconnect-interval', 'fluentd-buffer-limit',
  'fluentd-max-retries', 'fluentd-request-ack', 'fluentd-retry-wait', 'fluentd-sub-second-precision', 'fluentd-write-timeout',
])
const usual: Address = { scheme: 'tcp', host: '127.0.0.1', port: 24_224, path: '' }

export interface FluentdOptions {
  address: Address
  async: boolean
  /** Messages that wait while nobody takes them; undefined: all. */
  bufferLimit: number | undefined
  requestAck: boolean
  subSecond: boolean
  /** Milliseconds. */
  retryWait: number
  maxRetries: number
  /** Milliseconds that the receiver may take to accept what is written; 0: any time. */
  writeTimeout: number
  /** Milliseconds after which another connection is made, so that receivers behind one address share the work; 0: never. */
  reconnectInterval: number
}

/** @throws InvalidParameter in Docker's words */
export function fluentdOptions(options: LogOptions): FluentdOptions {
  refuseUnknown(options, known, (name) => `unknown log opt '${name}' for fluentd log driver`)
  const address = fluentdAddress(options['fluentd-address'] ?? '')
  // In messages, although it is written as bytes are: that is Docker's.
  const bufferLimit = given(options, 'fluentd-buffer-limit', memorySize, undefined)
  const writeTimeout = given(options, 'fluentd-write-timeout', duration, 0)
  const interval = given(options, 'fluentd-async-reconnect-interval', duration, 0)
  if (interval !== 0 && (interval < 100 || interval > 10_000)) throw invalid(`invalid value for fluentd-async-reconnect-interval: value (${options['fluentd-async-reconnect-interval']}) must be between 100ms and 10s`)
  const retryWait = given(options, 'fluentd-retry-wait', duration, 1000)
  const maxRetries = given(options, 'fluentd-max-retries', (text) => natural(text), 0x7fffffff)
  if (options['fluentd-async'] && options['fluentd-async-connect']) {
    throw invalid("conflicting options: cannot specify both 'fluentd-async' and 'fluentd-async-connect")
  }
  return {
    address,
    async: given(options, 'fluentd-async', boolean, false) || given(options, 'fluentd-async-connect', boolean, false),
    bufferLimit,
    requestAck: given(options, 'fluentd-request-ack', boolean, false),
    subSecond: given(options, 'fluentd-sub-second-precision', boolean, false),
    retryWait,
    maxRetries,
    writeTimeout,
    reconnectInterval: interval,
  }
}

function natural(text: string): number {
  const value = integer(text, 'ParseUint')
  if (!/^\d+$/.test(text)) throw invalid(`strconv.ParseUint: parsing ${JSON.stringify(text)}: invalid syntax`)
  return value
}

function fluentdAddress(text: string): Address {
  if (text === '') return usual
  try {
    if (isTransport(text)) {
      const address = parseAddress(text)
      return address.port < 0 ? { ...address, port: usual.port } : address
    }
    const { host, port = String(usual.port) } = splitHostPort(text)
    return { scheme: 'tcp', host, port: integer(port), path: '' }
  } catch (error) {
    throw invalid(`invalid fluentd-address ${text}: ${(error as Error).message}`)
  }
}
