import type { Readable } from 'node:stream'
import type { Containers, Engine, Execs, Images, Networks, Storage, Volumes } from '../../../src/engine/engine.ts'
import type { Builds } from '../../../src/engine/types/builds.ts'
import { createEvents } from '../../../src/engine/events.ts'
import { GantryError } from '../../../src/lib/errors.ts'

export interface FakeEngine {
  containers?: Partial<Containers>
  exec?: Partial<Execs>
  images?: Partial<Images>
  volumes?: Partial<Volumes>
  storage?: Partial<Storage>
  networks?: Partial<Networks>
  build?: Partial<Builds>
  buildkit?: Partial<Engine['buildkit']>
}

/** An engine of which only the named operations work; the others say that a test did not expect them. */
export function fakeEngine(parts: FakeEngine = {}): Engine {
  return {
    containers: unexpected('containers', { list: async () => [], ...parts.containers }),
    exec: unexpected('exec', parts.exec ?? {}),
    images: unexpected('images', { list: async () => [], ...parts.images }),
    volumes: unexpected('volumes', { list: async () => ({ Volumes: [], Warnings: null }), inspect: async (name) => notFound(`get ${name}: no such volume`), ...parts.volumes }),
    storage: unexpected('storage', parts.storage ?? {}),
    networks: unexpected('networks', { list: async () => [], inspect: async (ref) => notFound(`network ${ref} not found`), ...parts.networks }),
    build: unexpected('build', parts.build ?? {}),
    buildkit: unexpected('buildkit', parts.buildkit ?? {}),
    events: createEvents(),
    system: {
      experimental: false,
      info: async () => ({ ID: 'x', Containers: 0, Driver: 'overlay2', ServerVersion: '0.1.0', OSType: 'linux' }),
      features: () => ({}),
      version: () => ({ Version: '0.1.0', Os: 'linux', Arch: 'amd64', Components: [{ Name: 'Engine', Version: '0.1.0', Details: {} }] }),
      diskUsage: async () => ({ LayersSize: 0, Images: [], Containers: [], Volumes: [], BuildCache: [] }),
    },
    close: async () => {},
  }
}

function unexpected<T extends object>(room: string, parts: Partial<T>): T {
  return new Proxy(parts as T, {
    get: (target, name) => Reflect.get(target, name) ?? (() => Promise.reject(new Error(`unexpected call of ${room}.${String(name)}`))),
  })
}

function notFound(message: string): never {
  throw new GantryError('NotFound', message)
}

export function text(stream: Readable): Promise<string> {
  return stream.toArray().then((chunks) => Buffer.concat(chunks as Buffer[]).toString())
}

/** An operation that fails. */
export function failing(...error: ConstructorParameters<typeof GantryError>): () => Promise<never> {
  return () => Promise.reject(new GantryError(...error))
}
