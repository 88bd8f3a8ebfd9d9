import type { FlagValues } from './command-line.ts'
import { mergeConfigFile } from './config-file.ts'
import { resolveConfig, type DaemonConfig } from './config.ts'

/**
 * SIGHUP: reads daemon.json again and puts into the living configuration what can change without a start: nothing of it when
 * anything in the file is wrong. What is no more in the file has its default again.
 * @returns attributes of the event "daemon reload", as dockerd's
 * @throws InvalidParameter, NotImplemented: nothing has changed
 */
export function reloadConfig(live: DaemonConfig, given: FlagValues): Record<string, string> {
  const fresh = resolveConfig(mergeConfigFile(given))
  live.runtimes.replace(fresh.runtimes)
  live.debug = fresh.debug
  live.logLevel = fresh.logLevel
  live.shutdownTimeout = fresh.shutdownTimeout
  replace(live.features, fresh.features)
  replace(live.containers, fresh.containers)
  live.labels.splice(0, live.labels.length, ...fresh.labels)
  live.authorizationPlugins.splice(0, live.authorizationPlugins.length, ...fresh.authorizationPlugins)
  const { mirrors, insecure, maxDownloads, maxUploads, maxAttempts } = fresh.registries
  Object.assign(live.registries, { mirrors, insecure, maxDownloads, maxUploads, maxAttempts })
  return attributesOf(live)
}

function attributesOf({ registries, runtimes, ...config }: DaemonConfig): Record<string, string> {
  return {
    'allow-nondistributable-artifacts': '[]',
    debug: String(config.debug),
    'default-cgroupns-mode': config.containers.cgroupnsMode ?? 'private',
    'default-ipc-mode': config.containers.ipcMode ?? 'private',
    'default-runtime': runtimes.default,
    'default-shm-size': String(config.containers.shmSize ?? 64 * 1024 * 1024),
    features: `map[${Object.entries(config.features).map(([name, value]) => `${name}:${value}`).toSorted().join(' ')}]`,
    'insecure-registries': JSON.stringify(registries.insecure),
    labels: JSON.stringify(config.labels),
    'live-restore': 'true',
    'max-concurrent-downloads': String(registries.maxDownloads),
    'max-concurrent-uploads': String(registries.maxUploads),
    'max-download-attempts': String(registries.maxAttempts),
    'registry-mirrors': JSON.stringify(registries.mirrors),
    runtimes: Object.entries(runtimes.list()).map(([name, { path }]) => `${name}:${path}`).toSorted().join(' '),
    'shutdown-timeout': String(config.shutdownTimeout),
  }
}

/** In place: others hold the object. */
function replace(target: object, source: object): void {
  for (const key of Object.keys(target)) Reflect.deleteProperty(target, key)
  Object.assign(target, source)
}
