import { readFileSync } from 'node:fs'
import http from 'node:http'
import https from 'node:https'
import { setTimeout as delay } from 'node:timers/promises'
import { GantryError } from '../../lib/errors.ts'
import { textOf } from './answer.ts'
import { findPlugin } from './plugin-address.ts'
import type { PluginAddress, PluginFolders } from './plugin-address.ts'

const mediaType = 'application/vnd.docker.plugins.v1.2+json'
/** Of one answer, in ms. */
const patience = 60_000
/** A plugin that is just being started again is waited for so long, in ms. */
const pauses = [100, 200, 400, 800, 1500]
/** One that was waited for in vain is not waited for again so soon, in ms. */
const memory = 10_000
const longestAnswer = 1_000_000

/**
 * A plugin by its name: JSON over HTTP, every call a POST (moby `pkg/plugins`). Where it listens is looked up anew when it was not
 * there.
 */
export class Plugin {
  readonly name: string
  readonly #folders: PluginFolders
  #implements: string[] | undefined
  #missedAt = -memory

  constructor(name: string, folders: PluginFolders) {
    this.name = name
    this.#folders = folders
  }

  /** @throws NotFound for a plugin that is not there, or is none of this kind ("NetworkDriver", "IpamDriver") */
  async require(kind: string): Promise<void> {
    if (this.#implements === undefined) {
      const { Implements } = await this.#call('/Plugin.Activate', {}, [])
      this.#implements = Array.isArray(Implements) ? Implements.map(String) : []
    }
    if (!this.#implements.includes(kind)) throw new GantryError('NotFound', `plugin ${this.name} found but does not implement ${kind}: plugin does not implement the requested driver`)
  }

  /** @throws Unavailable when it does not answer; System with its own words */
  async call(method: string, body: Record<string, unknown>): Promise<Record<string, unknown>> {
    return this.#call(`/${method}`, body, performance.now() - this.#missedAt < memory ? [] : pauses)
  }

  async #call(path: string, body: Record<string, unknown>, waits: readonly number[]): Promise<Record<string, unknown>> {
    for (let attempt = 0; ; attempt++) {
      try {
        return await this.#once(path, body)
      } catch (error) {
        const wait = waits[attempt]
        if (isAway(error)) this.#implements = undefined
        if (isAway(error) && wait === undefined) this.#missedAt = performance.now()
        if (!isAway(error) || wait === undefined) throw error instanceof GantryError ? error : this.#unreachable(path, error)
        await delay(wait)
      }
    }
  }

  async #once(path: string, body: Record<string, unknown>): Promise<Record<string, unknown>> {
    const { status, text } = await post(findPlugin(this.name, this.#folders), path, JSON.stringify(body))
    const value = parse(text)
    const complaint = textOf(value?.['Err']) || textOf(value?.['Error'])
    if (status === 404 && value === undefined) throw new GantryError('NotImplemented', `plugin ${this.name} does not know ${path.slice(1)}`)
    if (status !== 200 || complaint !== '') {
      throw new GantryError('System', `${path.slice(1)}: ${(complaint || text.trim() || `status ${status}`).slice(0, 1000)}`)
    }
    if (value === undefined) throw new GantryError('System', `${path.slice(1)}: plugin ${this.name} gave an answer that is not JSON`)
    return value
  }

  #unreachable(path: string, cause: unknown): GantryError {
    return new GantryError('Unavailable', `error while calling ${path.slice(1)} of plugin ${this.name}: ${cause instanceof Error ? cause.message : String(cause)}`, { cause })
  }
}

/** One for each name, so that it is asked only once what it is. */
export class Plugins {
  readonly #folders: PluginFolders
  readonly #known = new Map<string, Plugin>()

  constructor(folders: PluginFolders) {
    this.#folders = folders
  }

  of(name: string): Plugin {
    const known = this.#known.get(name) ?? new Plugin(name, this.#folders)
    this.#known.set(name, known)
    return known
  }
}

/** It has not heard the call: it may be made again. */
function isAway(error: unknown): boolean {
  return ['ECONNREFUSED', 'ENOENT'].includes((error as NodeJS.ErrnoException).code ?? '') || (error instanceof GantryError && error.kind === 'NotFound')
}

function post(address: PluginAddress, path: string, body: string): Promise<{ status: number; text: string }> {
  const headers = { Accept: mediaType, 'Content-Type': mediaType, 'Content-Length': Buffer.byteLength(body) }
  const common = { method: 'POST', path, headers, timeout: patience, agent: false as const }
  return new Promise((resolve, reject) => {
    const request = open(address, common, (response) => {
      let text = ''
      response.setEncoding('utf8')
      response.on('data', (chunk: string) => {
        text += chunk
        if (text.length > longestAnswer) response.destroy(new Error('the answer is too long'))
      })
      response.on('end', () => resolve({ status: response.statusCode ?? 0, text }))
      response.on('error', reject)
    })
    request.on('timeout', () => request.destroy(new Error(`no answer in ${patience / 1000} seconds`)))
    request.on('error', reject)
    request.end(body)
  })
}

function open(address: PluginAddress, options: http.RequestOptions, answered: (response: http.IncomingMessage) => void): http.ClientRequest {
  if ('socketPath' in address) return http.request({ ...options, host: 'localhost', socketPath: address.socketPath }, answered)
  const { url, tls } = address
  const place = { ...options, host: url.hostname, port: url.port, path: `${url.pathname.replace(/\/$/, '')}${options.path ?? ''}` }
  if (url.protocol === 'http:') return http.request(place, answered)
  return https.request({ ...place, rejectUnauthorized: tls?.verify ?? true, ca: fileOf(tls?.ca), cert: fileOf(tls?.cert), key: fileOf(tls?.key) }, answered)
}

function fileOf(path: string | undefined): Buffer | undefined {
  return path ? readFileSync(path) : undefined
}

function parse(text: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Record<string, unknown>) : undefined
  } catch {
    return undefined
  }
}
