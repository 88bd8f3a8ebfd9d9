import { isIP } from 'node:net'
import { dirname, join, resolve } from 'node:path'
import { proxySettings, type ProxySettings } from '../containerd/distribution/proxy-settings.ts'
import { checkInsecure, checkMirror, type RegistrySettings } from '../containerd/distribution/registry-settings.ts'
import { GantryError } from '../lib/errors.ts'
import type { ContainerDefaults } from '../engine/containers/container-defaults.ts'
import { defaultCdiDirectories } from '../engine/devices/cdi-directories.ts'
import { checkStorageDriver } from './builtins.ts'
import type { PruneCache } from '../build/contract.ts'
import { resolveBuildCache } from './build-cache.ts'
import { resolveCgroups, type CgroupConfig } from './cgroups.ts'
import type { FlagValues } from './command-line.ts'
import { resolveContainerDefaults } from './container-defaults.ts'
import { resolveFeatures, type Features } from './features.ts'
import { parseHost } from './hosts.ts'
import type { Host } from './hosts.ts'
import { liveRuntimes, type LiveRuntimes } from './live-runtimes.ts'
import { resolveLogDefaults } from './log-defaults.ts'
import { parseLogLevel } from './log.ts'
import type { LogFormat, LogLevel } from './log.ts'
import { parseMetricsAddress, type MetricsAddress } from './metrics-server.ts'
import { resolveNetworks, type NetworkConfig } from './network-config.ts'
import { checkShutdownTimeout } from './shutdown-timeout.ts'
import { resolveRuntimes } from './runtimes.ts'
import type { StorageConfig } from './storage.ts'
import { resolveTls } from './tls.ts'
import { resolveSecurity, type SecurityConfig } from './security.ts'

/** Everything that can be set, with defaults filled in. Paths are absolute. */
export interface DaemonConfig {
  hosts: Host[]
  dataRoot: string
  execRoot: string
  pidfile: string
  group: string
  /** Names of plugins that are asked about every request. */
  authorizationPlugins: string[]
  debug: boolean
  logLevel: LogLevel
  logFormat: LogFormat
  labels: string[]
  /** Of containers that say nothing about theirs. */
  logs: { driver: string; options: Record<string, string> }
  runtimes: LiveRuntimes
  /** What containers get that do not say otherwise. */
  containers: ContainerDefaults
  features: Features
  /** What Docker keeps behind a flag is served. */
  experimental: boolean
  /** Seconds. */
  shutdownTimeout: number
  /** Where metrics are served, if anywhere. */
  metrics?: MetricsAddress
  storage: StorageConfig
  cgroups: CgroupConfig
  security: SecurityConfig
  initPath?: string
  networks: NetworkConfig
  /** Of containers that say nothing about it. */
  dns: { servers: string[]; options: string[]; search: string[]; hostGateways: string[] }
  registries: RegistrySettings
  /** Later ones take precedence. */
  cdiDirectories: string[]
  /** What is pruned after builds, one rule after the other; none: the cache grows. */
  buildCache: PruneCache[]
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
    hosts: hosts.map((host) => parseHost(host, { allowPlainTcp: switched('allow-plain-tcp', false), tls: resolveTls(values) })),
    dataRoot: resolve(text('data-root') ?? '/var/lib/gantry'),
    execRoot,
    pidfile: resolve(text('pidfile') ?? '/run/gantry.pid'),
    group: text('group') ?? 'docker',
    authorizationPlugins: [...new Set(list('authorization-plugin'))],
    debug,
    logLevel: debug ? 'debug' : parseLogLevel(text('log-level') ?? 'info'),
    logFormat: parseLogFormat(text('log-format') ?? 'text'),
    labels: list('label').map(checkLabel),
    logs: resolveLogDefaults(values),
    runtimes: liveRuntimes(resolveRuntimes(values)),
    containers: resolveContainerDefaults(values),
    features: resolveFeatures(values),
    experimental: switched('experimental', false),
    shutdownTimeout: checkShutdownTimeout((values.get('shutdown-timeout') as number | undefined) ?? 15),
    metrics: text('metrics-addr') === undefined ? undefined : parseMetricsAddress(text('metrics-addr')!),
    storage: resolveStorage(text('storage-driver'), list('storage-opt')),
    cgroups: resolveCgroups(values),
    security: resolveSecurity(values),
    initPath: text('init-path'),
    networks: resolveNetworks(values),
    registries: {
      mirrors: list('registry-mirror').map(checkMirror),
      insecure: list('insecure-registry').map(checkInsecure),
      certificates: join(dirname(resolve(text('config-file') ?? '/etc/gantry/daemon.json')), 'certs.d'),
      proxies: resolveProxies(values),
      maxDownloads: limit(values, 'max-concurrent-downloads', 3),
      maxUploads: limit(values, 'max-concurrent-uploads', 5),
      maxAttempts: limit(values, 'max-download-attempts', 5),
    },
    buildCache: resolveBuildCache(values),
    cdiDirectories: list('cdi-spec-dir').length > 0 ? list('cdi-spec-dir').map((path) => resolve(path)) : [...defaultCdiDirectories],
    dns: { servers: list('dns'), options: list('dns-opt'), search: list('dns-search'), hostGateways: list('host-gateway-ip').map(checkHostGateway) },
  }
}

/** The variable is dockerd's own way to say it without a flag. */
function resolveStorage(driver: string | undefined, options: string[]): StorageConfig {
  const name = driver ?? (process.env['DOCKER_DRIVER'] || undefined)
  if (name !== undefined) checkStorageDriver(name)
  return { driver: name, options }
}

function refuseUnsupported(values: FlagValues): void {
  if (values.get('live-restore') === false) {
    throw new GantryError('InvalidParameter', 'cannot switch live-restore off: containers always outlive the daemon')
  }
}

function resolveProxies(values: FlagValues): ProxySettings {
  const file = (values.get('proxies') as Record<string, unknown> | undefined) ?? {}
  for (const [key, value] of Object.entries(file)) {
    if (!['http-proxy', 'https-proxy', 'no-proxy'].includes(key)) throw new GantryError('InvalidParameter', `the following directives don't match any configuration option: ${key}`)
    if (typeof value !== 'string') throw new GantryError('InvalidParameter', `cannot use ${JSON.stringify(value)} for ${key}: it must be a string`)
  }
  const asked = (name: string): string | undefined => (values.get(name) ?? file[name]) as string | undefined
  return proxySettings({ http: asked('http-proxy'), https: asked('https-proxy'), none: asked('no-proxy') }, process.env)
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

function checkHostGateway(address: string): string {
  if (isIP(address) !== 0) return address
  throw new GantryError('InvalidParameter', `invalid host-gateway-ip: ${address} is no IP address`)
}

function checkLabel(label: string): string {
  if (label.includes('=')) return label
  throw new GantryError('InvalidParameter', `bad attribute format: ${label}`)
}
