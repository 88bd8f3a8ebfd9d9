import { attributeOptions } from './attributes.ts'
import type { LogOptions } from './contract.ts'
import { remoteDriver } from './drivers.ts'
import { boolean, invalid, memorySize, refuseUnknown } from './option-values.ts'

const fileOptions = new Set<string>([...attributeOptions, 'max-file', 'max-size', 'compress'])
const everyDrivers = new Set(['mode', 'max-buffer-size', 'cache-disabled', 'cache-max-size', 'cache-max-file', 'cache-compress'])

/**
 * Refuses what Docker refuses when a container is made: drivers and options that there are not, and of the values those that
 * a driver looks at this early. @throws InvalidParameter in Docker's words
 */
export function checkLogOptions(driver: string, options: LogOptions): void {
  if (driver === 'none') return
  const { mode = '', 'max-buffer-size': bufferSize, 'cache-disabled': cacheDisabled } = options
  if (!['', 'blocking', 'non-blocking'].includes(mode)) throw invalid(`logger: logging mode not supported: ${mode}`)
  if (bufferSize !== undefined) {
    if (mode !== 'non-blocking') throw invalid("logger: max-buffer-size option is only supported with 'mode=non-blocking'")
    worded(`error parsing option max-buffer-size: `, () => memorySize(bufferSize))
  }
  if (cacheDisabled) {
    try {
      boolean(cacheDisabled)
    } catch {
      throw invalid(`invalid value for option cache-disabled: ${cacheDisabled}`)
    }
  }
  const own = ownOptions(options)
  if (driver === 'json-file') refuseUnknown(own, fileOptions, (name) => `unknown log opt '${name}' for json-file log driver`)
  else if (driver === 'local') refuseUnknown(own, fileOptions, (name) => `unknown log opt '${name}' for log driver local`)
  else {
    const remote = remoteDriver(driver)
    if (remote === undefined) throw invalid(`logger: no log driver named '${driver}' is registered`)
    remote.check(own)
  }
}

/** @throws InvalidParameter in Docker's words: what is no driver of the engine's would be a plugin's */
export function checkLogDriver(driver: string): void {
  if (['none', 'json-file', 'local'].includes(driver) || remoteDriver(driver) !== undefined) return
  throw invalid(`error looking up logging plugin ${driver}: plugin ${JSON.stringify(driver)} not found`)
}

function worded(prefix: string, act: () => unknown): void {
  try {
    act()
  } catch (error) {
    throw invalid(`${prefix}${(error as Error).message}`)
  }
}

/** Without the options that every driver has. */
export function ownOptions(options: LogOptions): LogOptions {
  return Object.fromEntries(Object.entries(options).filter(([name]) => !everyDrivers.has(name)))
}
