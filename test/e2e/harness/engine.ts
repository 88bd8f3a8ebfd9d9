import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdirSync, openSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { type ApiRequest, type Answer, followCreations, request } from './engine-api.ts'
import { eventually } from './eventually.ts'
import { type NetworkHost, makeHost } from './network-host.ts'
import { makePrivateDirectory, removePrivateDirectory } from './private-directory.ts'
import { read } from './processes.ts'
import { program, projectRoot } from './program.ts'

export type EngineKind = 'gantryd' | 'dockerd'

/** An engine on private directories, a private socket and a private network host. */
export interface Engine {
  readonly kind: EngineKind
  readonly directory: string
  readonly dataRoot: string
  readonly execRoot: string
  readonly socket: string
  readonly host: NetworkHost
  /** Every container that was ever made here, also those that removed themselves. */
  readonly created: ReadonlySet<string>
  pid(): number
  log(): string
  api(request: ApiRequest): Promise<Answer>
  /** kill -9 of the daemon alone; containers are not touched. */
  kill9(): Promise<void>
  start(): Promise<void>
  /** SIGTERM; settles when the daemon is gone. */
  stop(): Promise<void>
  /** stop, and with it whatever it needs to run beside it. */
  shutDown(): Promise<void>
  /** Removes everything, whatever state it is in. */
  remove(): Promise<void>
}

export interface EngineOptions {
  kind: EngineKind
  flags?: string[]
  /** A command prefix that enters more than the network host. */
  enter?: string[]
  /** What is done with the empty data root before the engine starts. */
  furnish?: (dataRoot: string) => Promise<void>
}

/** Starts an engine and waits until it answers. */
export async function startEngine({ kind, flags = [], enter = [], furnish }: EngineOptions): Promise<Engine> {
  const daemonProgram = program(kind)
  const directory = makePrivateDirectory()
  const dataRoot = path.join(directory, 'd')
  const execRoot = path.join(directory, 'x')
  const socket = path.join(directory, 's')
  const logFile = path.join(directory, 'log')
  const host = await makeHost()
  mkdirSync(dataRoot)
  writeFileSync(path.join(directory, 'daemon.json'), '{}\n')
  const places = ['--config-file', path.join(directory, 'daemon.json'), '--data-root', dataRoot, '--exec-root', execRoot]
  const ends = ['--pidfile', path.join(directory, 'p'), '--host', `unix://${socket}`]
  // Gantry's containers always outlive their daemon; the original has to be told.
  const extra = kind === 'dockerd' ? ['--live-restore', '--containerd', path.join(directory, 'c/s')] : []
  const command = [...host.enter, ...enter, daemonProgram, ...places, ...ends, ...extra, ...flags]
  const created = new Set<string>()
  const core = kind === 'dockerd' ? await launchContainerd(directory) : undefined
  let daemon: ReturnType<typeof launch> | undefined
  let unfollow: (() => void) | undefined

  const engine: Engine = {
    kind,
    directory,
    dataRoot,
    execRoot,
    socket,
    host,
    created,
    pid: () => daemon?.pid ?? 0,
    log: () => read(logFile),
    api: (call) => request(socket, call),
    async start() {
      daemon = launch(command, logFile)
      const started = daemon
      await eventually(async () => {
        if (ended(started)) return
        const ping = await request(socket, { path: '/_ping' })
        if (ping.status !== 200) throw new Error(`/_ping answers ${ping.status}`)
      }, 30_000).catch((cause: unknown) => {
        throw new Error(`cannot start ${kind}: ${String(cause)}\n${read(logFile).slice(-3000)}`, { cause })
      })
      if (ended(started)) throw new Error(`cannot start ${kind}: it ended\n${read(logFile).slice(-3000)}`)
      unfollow = followCreations(socket, (id) => created.add(id))
    },
    async kill9() {
      unfollow?.()
      await end(daemon, 'SIGKILL')
    },
    async stop() {
      unfollow?.()
      await end(daemon, 'SIGTERM')
    },
    async shutDown() {
      await engine.stop()
      await end(core, 'SIGTERM')
    },
    async remove() {
      await engine.kill9()
      await end(core, 'SIGKILL')
      await host.close()
      await removePrivateDirectory(directory)
    },
  }
  try {
    await furnish?.(dataRoot)
    await engine.start()
  } catch (error) {
    await engine.remove()
    throw error
  }
  return engine
}

function ended({ exitCode, signalCode }: ReturnType<typeof launch>): boolean {
  return exitCode !== null || signalCode !== null
}

function launch(command: string[], logFile: string) {
  const log = openSync(logFile, 'a')
  const [file = '', ...args] = command
  // Where the original finds docker-proxy, docker-init and the shim when scripts/setup unpacked them.
  const env = { ...process.env, PATH: `${process.env.PATH ?? ''}:/usr/sbin:/sbin:${path.join(projectRoot, 'build/bin')}` }
  return spawn(file, args, { stdio: ['ignore', log, log], cwd: '/', detached: true, env })
}

/** The original engine gets a core of its own, which like its containers outlives it. */
async function launchContainerd(directory: string) {
  const place = path.join(directory, 'c')
  mkdirSync(place)
  const config = `version = 2
root = "${place}/root"
state = "${place}/state"
disabled_plugins = ["io.containerd.grpc.v1.cri"]
[grpc]
  address = "${place}/s"
`
  writeFileSync(path.join(place, 'config.toml'), config)
  const core = launch([program('containerd'), '--config', path.join(place, 'config.toml')], path.join(directory, 'containerd.log'))
  await eventually(() => {
    if (!existsSync(path.join(place, 's'))) throw new Error('cannot start containerd')
  })
  return core
}

async function end(daemon: ReturnType<typeof launch> | undefined, signal: 'SIGTERM' | 'SIGKILL'): Promise<void> {
  if (daemon === undefined || daemon.exitCode !== null || daemon.signalCode !== null) return
  const gone = once(daemon, 'exit')
  daemon.kill(signal)
  const timer = setTimeout(() => daemon.kill('SIGKILL'), 30_000)
  await gone
  clearTimeout(timer)
}
