import { createApiServer } from '../api/server.ts'
import { linuxKernel } from '../kernel/linux.ts'
import { GantryError, messageOf } from '../lib/errors.ts'
import type { FlagValues } from './command-line.ts'
import { composeEngine, type ComposedEngine } from './compose.ts'
import { mergeConfigFile } from './config-file.ts'
import { resolveConfig } from './config.ts'
import type { DaemonConfig } from './config.ts'
import { featureWarnings } from './features.ts'
import { hostText } from './hosts.ts'
import { listen } from './listen.ts'
import type { Listener } from './listen.ts'
import { createLog } from './log.ts'
import type { Log } from './log.ts'
import { serveMetrics } from './metrics-server.ts'
import { takePidfile } from './pidfile.ts'
import { reloadConfig } from './reload.ts'
import { lockRoot } from './root-lock.ts'
import { serviceManager } from './service-manager.ts'
import { build } from './version.ts'
import { authorizationPlugins } from './authorization-plugins.ts'

/** Runs the daemon; comes back when it serves. It ends by a signal, and its containers go on. */
export async function runDaemon(given: FlagValues): Promise<void> {
  const config = resolveConfig(mergeConfigFile(given))
  if (given.get('validate') === true) return void process.stderr.write('configuration OK\n')
  if (process.getuid?.() !== 0) throw new GantryError('Forbidden', 'gantryd needs to be started with root privileges')
  const tellManager = serviceManager()
  const log = createLog({ level: config.logLevel, format: config.logFormat })
  const cleanups: (() => Promise<void> | void)[] = []
  let engine: ComposedEngine | undefined
  onSignals(log, {
    stopDaemon() {
      tellManager('STOPPING=1')
      stop(cleanups, log)
    },
    reload: () => reload({ config, given, log, engine }),
  })
  try {
    engine = await start(config, log, cleanups)
    tellManager('READY=1')
  } catch (error) {
    await runAll(cleanups, log)
    throw new GantryError('System', `failed to start daemon: ${messageOf(error)}`, { cause: error })
  }
}

async function start(config: DaemonConfig, log: Log, cleanups: (() => Promise<void> | void)[]): Promise<ComposedEngine> {
  for (const line of featureWarnings(config.features)) log('warn', line)
  log('info', `Starting up: version ${build.version}, data root ${config.dataRoot}`)
  const pidfile = takePidfile(config.pidfile)
  cleanups.push(() => pidfile.remove())
  const lock = lockRoot(linuxKernel, config.dataRoot)
  cleanups.push(() => lock.release())
  const engine = await composeEngine(config, log)
  cleanups.push(() => engine.close())
  const authorization = await authorizationPlugins(config.authorizationPlugins)
  const api = createApiServer({
    engine,
    authorization,
    engineVersion: build.version,
    onRequest: (line) => log('debug', `Calling ${line}`),
    onFailure: (line, error) => log('error', `Handler for ${line} returned error`, error),
  })
  cleanups.push(() => api.close())
  const listeners: Listener[] = []
  cleanups.push(() => {
    for (const listener of listeners) listener.close()
  })
  for (const host of config.hosts) {
    listeners.push(await listen(api.http, host, config.group))
    if (host.kind === 'tcp' && host.tls?.verify !== true) log('warn', `API on ${hostText(host)} without authentication: every local user can be root through it`)
  }
  if (config.metrics !== undefined && engine.metrics !== undefined) {
    const server = await serveMetrics(config.metrics, engine.metrics)
    cleanups.push(() => server.close())
  }
  log('info', 'Daemon has completed initialization')
  for (const { host } of listeners) log('info', `API listen on ${hostText(host)}`)
  return engine
}

function onSignals(log: Log, { stopDaemon, reload }: { stopDaemon: () => void; reload: () => void }): void {
  process.once('SIGTERM', stopDaemon)
  process.once('SIGINT', stopDaemon)
  process.on('SIGHUP', reload)
  // A client that hangs up shows as an error of its stream; the signal must not end the daemon.
  process.on('SIGPIPE', () => {})
  process.on('unhandledRejection', (error) => log('error', 'unexpected failure', error))
  process.on('uncaughtException', (error) => log('error', 'unexpected failure', error))
}

interface Reload {
  config: DaemonConfig
  given: FlagValues
  log: Log
  /** Undefined while it starts: what is read counts all the same. */
  engine: ComposedEngine | undefined
}

/** SIGHUP. A file that cannot be used leaves everything as it was. */
function reload({ config, given, log, engine }: Reload): void {
  log('info', 'Got signal to reload configuration')
  try {
    const attributes = reloadConfig(config, given)
    log.level = config.logLevel
    log('info', `Reloaded configuration: log level ${log.level}, ${JSON.stringify(attributes)}`)
    for (const line of featureWarnings(config.features)) log('warn', line)
    engine?.tellReload(attributes)
  } catch (error) {
    log('error', 'cannot reload the configuration', error)
  }
}

async function runAll(cleanups: (() => Promise<void> | void)[], log: Log): Promise<void> {
  for (const cleanup of cleanups.splice(0).toReversed()) {
    try {
      await cleanup()
    } catch (error) {
      log('error', 'clean-up failed', error)
    }
  }
}

function stop(cleanups: (() => Promise<void> | void)[], log: Log): void {
  log('info', 'Processing signal: shutting down; containers keep running')
  void runAll(cleanups, log).then(() => process.exit(0))
}
