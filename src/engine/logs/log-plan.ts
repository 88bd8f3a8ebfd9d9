import { ownOptions } from '../../logging/check-options.ts'
import type { LogOptions, LogSource, RemoteDriver } from '../../logging/contract.ts'
import { attributeOptions, extraAttributes } from '../../logging/attributes.ts'
import { remoteDriver } from '../../logging/drivers.ts'
import { boolean, given, humanSize, integer, invalid, memorySize } from '../../logging/option-values.ts'
import { logTag } from '../../logging/tag.ts'
import { longestAttributes, type LogRules } from '../../shim/log-rules.ts'
import type { ContainerRecord } from '../containers/container.ts'
import type { ContainerPaths } from '../containers/record-file.ts'

/** Where the lines of a container go. */
export interface LogPlan {
  /** The newest file; undefined: none is written. */
  path: string | undefined
  rules: LogRules
  /** Files that are no longer written to are compressed. */
  compress: boolean
  /** Whether `docker logs` may read the files. */
  readable: boolean
  remote: { driver: RemoteDriver; source: LogSource } | undefined
}

/** Two files are the least of a cache that is sent on: what has not been sent must not be in the way of what comes. */
const leastCacheFiles = 2
const defaultSize = 20_000_000
const defaultFiles = 5
/** Docker's default of max-buffer-size. */
const defaultBuffer = 1_000_000

type Logged = Pick<ContainerRecord, 'id' | 'name' | 'created' | 'path' | 'args' | 'config' | 'hostConfig' | 'imageId'>

/** @throws InvalidParameter for values that are none, in Docker's words */
export function logPlan(container: Logged, paths: ContainerPaths): LogPlan {
  const { Type: name = 'json-file', Config } = container.hostConfig.LogConfig ?? {}
  const options = Config ?? {}
  const source = logSource(container, ownOptions(options))
  if (name === 'none') return { path: undefined, rules: jsonRules({}), compress: false, readable: false, remote: undefined }
  const driver = remoteDriver(name)
  if (driver !== undefined) return { ...remotePlan(options, paths, driver), remote: { driver, source } }
  if (name === 'local') return { path: paths.localLog, ...localRules(options), readable: true, remote: undefined }
  const rules = jsonRules(options)
  const compress = given(options, 'compress', boolean, false)
  if (compress && rules.maxFiles < 2) throw invalid('compress cannot be true when max-file is less than 2 or max-size is not set')
  return { path: paths.log, rules: { ...rules, attributes: attributesOf(source) }, compress, readable: true, remote: undefined }
}

/** Where `docker logs` reads, and how; also for options that would not start. */
export function readableLog(container: Logged, paths: ContainerPaths): { path: string; format: LogRules['format'] } | undefined {
  const { Type: name = 'json-file', Config } = container.hostConfig.LogConfig ?? {}
  if (name === 'none') return undefined
  if (name === 'json-file') return { path: paths.log, format: 'json' }
  if (name === 'local') return { path: paths.localLog, format: 'local' }
  return given(Config ?? {}, 'cache-disabled', boolean, false) ? undefined : { path: paths.cachedLog, format: 'local' }
}

function jsonRules(options: LogOptions): LogRules {
  const maxSize = given(options, 'max-size', humanSize, defaultSize)
  if (maxSize <= 0) throw invalid('max-size must be a positive number')
  const maxFiles = given(options, 'max-file', integer, options['max-size'] ? 1 : defaultFiles)
  if (maxFiles < 1) throw invalid('max-file cannot be less than 1')
  return { format: 'json', maxSize, maxFiles, attributes: '', hold: false, waiting: waitingBytes(options) }
}

function localRules(options: LogOptions): { rules: LogRules; compress: boolean } {
  const maxSize = worded(options, 'max-size', humanSize, 20 * 1024 * 1024)
  const maxFiles = worded(options, 'max-file', integer, defaultFiles)
  if (maxFiles < 0) throw invalid('max-file must not be negative')
  const compress = given(options, 'compress', boolean, true)
  if (compress && maxFiles <= 1) throw invalid('compression cannot be enabled when max file count is 1')
  return { rules: { format: 'local', maxSize, maxFiles: Math.max(1, maxFiles), attributes: '', hold: false, waiting: waitingBytes(options) }, compress }
}

/** What mode=non-blocking keeps in memory for a disk that hangs. */
function waitingBytes(options: LogOptions): number {
  return options['mode'] === 'non-blocking' ? given(options, 'max-buffer-size', memorySize, defaultBuffer) : 0
}

function remotePlan(options: LogOptions, paths: ContainerPaths, driver: RemoteDriver): Omit<LogPlan, 'remote'> {
  const cache = Object.fromEntries(['max-size', 'max-file', 'compress'].flatMap((name) => (options[`cache-${name}`] === undefined ? [] : [[name, options[`cache-${name}`] as string]])))
  const { rules, compress } = localRules(cache)
  // What may be dropped holds nobody up.
  const hold = options['mode'] !== 'non-blocking' && driver.waiting?.(ownOptions(options)) === undefined
  const files = Math.max(leastCacheFiles, rules.maxFiles)
  const room = hold ? 0 : given(options, 'max-buffer-size', memorySize, 0)
  return {
    path: paths.cachedLog,
    rules: { ...rules, hold, waiting: waitingBytes(options), maxFiles: files, maxSize: Math.max(rules.maxSize, Math.ceil(room / (files - 1))) },
    compress,
    readable: !given(options, 'cache-disabled', boolean, false),
  }
}

function worded<T>(options: LogOptions, name: string, parse: (text: string) => T, absent: T): T {
  try {
    return given(options, name, parse, absent)
  } catch (error) {
    throw invalid(`invalid value for ${name}: ${options[name]}: ${(error as Error).message}`)
  }
}

function logSource({ id, name, created, path, args, config, imageId }: Logged, options: LogOptions): LogSource {
  return { id, name, created, command: path, args, imageId, imageName: config.Image ?? '', env: config.Env ?? [], labels: config.Labels ?? {}, options }
}

/** What `--details` shows, too: a tag only where one was asked for. */
export function logAttributes(container: Logged): Map<string, string> {
  const source = logSource(container, ownOptions(container.hostConfig.LogConfig?.Config ?? {}))
  const attributes = extraAttributes(source)
  if (source.options['tag']) attributes.set('tag', logTag(source))
  return new Map([...attributes].toSorted(([a], [b]) => (a < b ? -1 : 1)))
}

function attributesOf(source: LogSource): string {
  if (!attributeOptions.some((name) => source.options[name])) return ''
  const attributes = extraAttributes(source)
  if (source.options['tag']) attributes.set('tag', logTag(source))
  if (attributes.size === 0) return ''
  const text = JSON.stringify(Object.fromEntries([...attributes].toSorted(([a], [b]) => (a < b ? -1 : 1))))
  if (Buffer.byteLength(text) > longestAttributes) throw invalid(`the attributes of the log have more than ${longestAttributes} bytes`)
  return text
}
