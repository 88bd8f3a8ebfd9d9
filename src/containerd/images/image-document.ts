import { createHash } from 'node:crypto'
import { GantryError } from '../../lib/errors.ts'
import type { ContainerConfig } from '../../engine/types/container-config.ts'
import type { Image } from './contract.ts'

/** An image configuration: OCI image-spec config.md, with Docker's additions. */
export interface ImageDocument {
  created?: string
  author?: string
  comment?: string
  architecture?: string
  variant?: string
  os?: string
  parent?: string
  config?: ContainerConfig | null
  rootfs: { type: 'layers'; diff_ids: string[] }
  history?: Image['history'] | null
}

/** Docker's limit. */
const deepest = 125

/** @throws InvalidParameter when it is no configuration of a Linux image */
export function parseImageDocument(value: unknown): ImageDocument {
  if (!isObject(value)) throw bad('it is no object')
  for (const key of ['created', 'author', 'comment', 'architecture', 'variant', 'os', 'parent']) {
    if (value[key] !== undefined && typeof value[key] !== 'string') throw bad(`${key} is no string`)
  }
  const { rootfs, config, history, os } = value
  if (typeof os === 'string' && os !== '' && os !== 'linux') {
    throw new GantryError('InvalidParameter', `cannot load ${os} image on linux`)
  }
  if (!isObject(rootfs) || rootfs['type'] !== 'layers') throw bad('it has no rootfs of type layers')
  const layers = rootfs['diff_ids'] ?? []
  if (!Array.isArray(layers) || !layers.every((id) => typeof id === 'string' && /^sha256:[a-f0-9]{64}$/.test(id))) {
    throw bad('rootfs.diff_ids is no list of sha256 digests')
  }
  if (layers.length > deepest) throw new GantryError('InvalidParameter', 'max depth exceeded')
  if (config !== undefined && config !== null) checkConfig(config)
  if (history !== undefined && history !== null && !(Array.isArray(history) && history.every(isObject))) throw bad('history is no list')
  return { ...value, rootfs: { type: 'layers', diff_ids: layers as string[] } } as ImageDocument
}

/** Chain ids from the bottom up: OCI image-spec config.md "Layer ChainID". */
export function chainIds(diffIds: readonly string[]): string[] {
  const chain: string[] = []
  for (const diffId of diffIds) {
    const below = chain.at(-1)
    chain.push(below === undefined ? diffId : digestOf(`${below} ${diffId}`))
  }
  return chain
}

export function digestOf(bytes: string | Buffer): string {
  return `sha256:${createHash('sha256').update(bytes).digest('hex')}`
}

export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

export function isStrings(value: unknown): value is string[] {
  return Array.isArray(value) && value.every((item) => typeof item === 'string')
}

function checkConfig(config: unknown): void {
  if (!isObject(config)) throw bad('config is no object')
  for (const key of ['Cmd', 'Entrypoint', 'Env', 'OnBuild', 'Shell']) {
    if (config[key] !== undefined && config[key] !== null && !isStrings(config[key])) throw bad(`config.${key} is no list of strings`)
  }
  for (const key of ['User', 'WorkingDir', 'StopSignal', 'Hostname', 'Domainname']) {
    if (config[key] !== undefined && typeof config[key] !== 'string') throw bad(`config.${key} is no string`)
  }
  for (const key of ['Labels', 'Volumes', 'ExposedPorts', 'Healthcheck']) {
    if (config[key] !== undefined && config[key] !== null && !isObject(config[key])) throw bad(`config.${key} is no object`)
  }
}

function bad(reason: string): GantryError {
  return new GantryError('InvalidParameter', `invalid image configuration: ${reason}`)
}
