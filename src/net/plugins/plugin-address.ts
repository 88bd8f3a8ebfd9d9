import { existsSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { GantryError, messageOf } from '../../lib/errors.ts'

/** Where a plugin listens. */
export type PluginAddress =
  | { socketPath: string }
  | { url: URL; tls?: { verify: boolean; ca?: string; cert?: string; key?: string } }

/** Where plugins are found: sockets first, then what an administrator wrote down (docs.docker.com/engine/extend/plugin_api). */
export interface PluginFolders {
  sockets: readonly string[]
  specifications: readonly string[]
}

export const pluginFolders: PluginFolders = { sockets: ['/run/docker/plugins'], specifications: ['/etc/docker/plugins', '/usr/lib/docker/plugins'] }

/** @throws NotFound with Docker's text; InvalidParameter for a file that does not say where */
export function findPlugin(name: string, folders: PluginFolders): PluginAddress {
  if (/^[\w][\w.-]*$/.test(name)) {
    for (const file of filesOf(name, folders.sockets, '.sock')) return { socketPath: file }
    for (const file of folders.specifications.flatMap((folder) => [...filesOf(name, [folder], '.spec'), ...filesOf(name, [folder], '.json')])) {
      try {
        return file.endsWith('.json') ? addressOfJson(readFileSync(file, 'utf8')) : addressOf(readFileSync(file, 'utf8').trim())
      } catch (error) {
        throw new GantryError('InvalidParameter', `cannot use plugin ${name}: ${file}: ${messageOf(error)}`, { cause: error })
      }
    }
  }
  throw new GantryError('NotFound', `plugin ${JSON.stringify(name)} not found`)
}

/** NAME.sock, or in a folder of its own NAME/NAME.sock. */
function filesOf(name: string, folders: readonly string[], ending: string): string[] {
  return folders.flatMap((folder) => [path.join(folder, name + ending), path.join(folder, name, name + ending)]).filter((file) => existsSync(file))
}

/** "unix:///run/x.sock", "tcp://localhost:8080" */
function addressOf(text: string): PluginAddress {
  if (!URL.canParse(text)) throw new Error(`"${text.slice(0, 100)}" is no address`)
  const url = new URL(text)
  if (url.protocol === 'unix:') return { socketPath: url.pathname }
  if (!['tcp:', 'http:', 'https:'].includes(url.protocol)) throw new Error(`unknown protocol ${url.protocol.slice(0, -1)}`)
  return { url: new URL(text.replace(/^tcp:/, 'http:')) }
}

interface PluginJson {
  Addr?: string
  TLSConfig?: { InsecureSkipVerify?: boolean; CAFile?: string; CertFile?: string; KeyFile?: string } | null
}

function addressOfJson(text: string): PluginAddress {
  const { Addr = '', TLSConfig } = JSON.parse(text) as PluginJson
  const address = addressOf(Addr)
  if (!TLSConfig || !('url' in address)) return address
  const { InsecureSkipVerify = false, CAFile: ca, CertFile: cert, KeyFile: key } = TLSConfig
  return { url: new URL(address.url.href.replace(/^http:/, 'https:')), tls: { verify: !InsecureSkipVerify, ca, cert, key } }
}
