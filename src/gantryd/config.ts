import { dirname, join, resolve } from 'node:path'
import { checkInsecure, checkMirror, type RegistrySettings } from '../containerd/distribution/registry-settings.ts'
import { GantryError } from '../lib/errors.ts'
import type { Runtimes } from '../engine/containers/runtimes.ts'
import { checkStorageDriver } from './builtins.ts'
import type { FlagValues } from './command-line.ts'
import { parseHost } from './hosts.ts'
import type { Host } from './hosts.ts'
import { parseLogLevel } from './log.ts'
import type { LogFormat, LogLevel } from './log.ts'
import { resolveRuntimes } from './runtimes.ts'

/** Everything that can be set, with defaults filled in. Paths are absolute. */
export interface DaemonConfig {
  hosts: Host[]
  dataRoot: string
  execRoot: string
  pidfile: string
  group: string
  debug: boolean
  logLevel: LogLevel
  logFormat: LogFormat
  labels: string[]
  runtimes: Runtimes
  initPath?: string
  bridge: {
    name: string
    /** "172.17.0.1/16"; undefined: the first free one. */
    bip?: string
    mtu: number
    userlandProxy: boolean
    userlandProxyPath?: string
  }
  /** Of containers that say nothing about it. */
  dns: { servers: string[]; options: string[]; search: string[] }
  registries: RegistrySettings
}

/** @throws InvalidParameter, NotImplemented */
export function resolveConfig(values: FlagValues): DaemonConfig {
  const text = (name: string): string | undefined => (values.get(name) as string | undefined) || undefined
  const list = (name: string): string[] => (values.get(name) as string[] | undefined) ?? []
  const switched = (name: string, absent: boolean): boolean => (values.get(name) as boolean | undefined) ?? absent
  refuseUnsupported(values)
  const debug = switched('debug', false)
  const execRoot = resolve(text('exec-root') ?? '/run/gantry')
  const hosts = list('host').length > 0 ? list('host') : [`unix://${execRoot}/gantry.sock`]
  return {
    hosts: hosts.map((host) => parseHost(host, switched('allow-plain-tcp', false))),
    dataRoot: resolve(text('data-root') ?? '/var/lib/gantry'),
    execRoot,
    pidfile: resolve(text('pidfile') ?? '/run/gantry.pid'),
    group: text('group') ?? 'docker',
    debug,
    logLevel: debug ? 'debug' : parseLogLevel(text('log-level') ?? 'info'),
    logFormat: parseLogFormat(text('log-format') ?? 'text'),
    labels: list('label').map(checkLabel),
    runtimes: resolveRuntimes(values),
    initPath: text('init-path'),
    bridge: {
      name: bridgeName(text('bridge'), text('bridge-name')),
      bip: text('bip'),
      mtu: (values.get('mtu') as number | undefined) ?? 1500,
      userlandProxy: switched('userland-proxy', true),
      userlandProxyPath: text('userland-proxy-path'),
    },
    registries: {
      mirrors: list('registry-mirror').map(checkMirror),
      insecure: list('insecure-registry').map(checkInsecure),
      certificates: join(dirname(resolve(text('config-file') ?? '/etc/gantry/daemon.json')), 'certs.d'),
      maxDownloads: limit(values, 'max-concurrent-downloads', 3),
      maxUploads: limit(values, 'max-concurrent-uploads', 5),
      maxAttempts: limit(values, 'max-download-attempts', 5),
    },
    dns: { servers: list('dns'), options: list('dns-opt'), search: list('dns-search') },
  }
}

function refuseUnsupported(values: FlagValues): void {
  if (values.get('live-restore') === false) {
    throw new GantryError('InvalidParameter', 'cannot switch live-restore off: containers always outlive the daemon')
  }
  const logDriver = values.get('log-driver') as string | undefined
  if (logDriver !== undefined && logDriver !== 'json-file') throw new GantryError('NotImplemented', `not implemented yet: --log-driver ${logDriver}`)
  checkStorageDriver((values.get('storage-driver') as string | undefined) ?? 'overlay2')
}

function bridgeName(bridge: string | undefined, name: string | undefined): string {
  if (bridge !== undefined && name !== undefined && bridge !== name) {
    throw new GantryError('InvalidParameter', `cannot use bridge ${bridge}: --bridge-name says ${name}, and both mean the same`)
  }
  if (bridge === 'none') throw new GantryError('NotImplemented', 'not implemented yet: --bridge none')
  return bridge ?? name ?? 'docker0'
}

/** 0 is the default, as with dockerd. */
function limit(values: FlagValues, name: string, usual: number): number {
  const given = (values.get(name) as number | undefined) ?? 0
  if (given < 0) throw new GantryError('InvalidParameter', `invalid ${name.replaceAll('-', ' ')}: ${given}`)
  return given === 0 ? usual : given
}

function parseLogFormat(text: string): LogFormat {
  if (text === 'text' || text === 'json') return text
  throw new GantryError('InvalidParameter', `invalid log format: ${text}`)
}

function checkLabel(label: string): string {
  if (label.includes('=')) return label
  throw new GantryError('InvalidParameter', `bad attribute format: ${label}`)
}
