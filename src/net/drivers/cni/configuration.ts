import { readFileSync } from 'node:fs'
import path from 'node:path'
import { findExecutable } from '../../../kernel/find-executable.ts'
import { GantryError, messageOf } from '../../../lib/errors.ts'
import type { NetworkInfo } from '../../contract.ts'

/** A network of CNI (github.com/containernetworking/cni, SPEC.md, section 1): plugins that are called one after the other. */
export interface CniConfiguration {
  name: string
  cniVersion: string
  disableCheck: boolean
  plugins: CniPlugin[]
}

export type CniPlugin = Record<string, unknown> & { type: string; capabilities?: Record<string, boolean> }

/** Where Debian and most others have plugins. */
const defaultFolders = ['/opt/cni/bin', '/usr/lib/cni']

/** What the options of a network with the driver "cni" say: `conf=FILE`, `bin=DIR[:DIR]`. @throws InvalidParameter */
export function readConfiguration({ options }: Pick<NetworkInfo, 'options'>): CniConfiguration {
  const file = options['conf'] ?? ''
  if (!path.isAbsolute(file)) throw new GantryError('InvalidParameter', 'cannot use a network of CNI: option "conf" must be the absolute path of a .conf or .conflist file')
  try {
    return parseConfiguration(readFileSync(file, 'utf8'))
  } catch (error) {
    throw new GantryError('InvalidParameter', `cannot use CNI configuration ${file}: ${messageOf(error)}`, { cause: error })
  }
}

/** @throws Error in the words of what is wrong */
export function parseConfiguration(text: string): CniConfiguration {
  const value: unknown = JSON.parse(text)
  if (!isObject(value)) throw new Error('it is not an object')
  const { name, cniVersion = '0.2.0', plugins = [value], disableCheck = false } = value
  if (typeof name !== 'string' || !/^[A-Za-z0-9][\w.-]*$/.test(name)) throw new Error('it has no valid "name"')
  if (typeof cniVersion !== 'string' || !/^\d+\.\d+\.\d+$/.test(cniVersion)) throw new Error('its "cniVersion" is not a version')
  if (!Array.isArray(plugins) || plugins.length === 0) throw new Error('it has no "plugins"')
  return { name, cniVersion, disableCheck: disableCheck === true || disableCheck === 'true', plugins: plugins.map(pluginOf) }
}

/** A type is the name of a program, never a path. */
function pluginOf(value: unknown): CniPlugin {
  if (!isObject(value) || typeof value['type'] !== 'string' || !/^[\w.+-]+$/.test(value['type'])) throw new Error('a plugin has no valid "type"')
  return value as CniPlugin
}

export function pluginFolders({ options }: Pick<NetworkInfo, 'options'>): string[] {
  const folders = (options['bin'] ?? '').split(':').filter((folder) => folder !== '')
  return folders.length > 0 ? folders : defaultFolders
}

/** @throws NotFound */
export function findProgram(type: string, folders: readonly string[]): string {
  const file = findExecutable(type, folders)
  if (file !== undefined) return file
  throw new GantryError('NotFound', `could not find CNI plugin ${type} in ${folders.join(', ')}`)
}

/** Whether `version` is `least` or later. */
export function isSince(version: string, least: string): boolean {
  const [one, other] = [version, least].map((text) => text.split('.').map(Number))
  for (const at of [0, 1, 2]) if (one?.[at] !== other?.[at]) return (one?.[at] ?? 0) > (other?.[at] ?? 0)
  return true
}

export function hasCapability({ plugins }: CniConfiguration, capability: string): boolean {
  return plugins.some(({ capabilities }) => capabilities?.[capability] === true)
}

export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
