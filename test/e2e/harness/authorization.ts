import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdirSync, readFileSync, rmSync } from 'node:fs'
import path from 'node:path'
import { eventually } from './eventually.ts'

export interface AuthorizationPlugin {
  readonly name: string
  /** What it was asked by this method ("AuthZReq"), in order. */
  calls(method: string): Record<string, unknown>[]
  start(): Promise<void>
  stop(): Promise<void>
}

/** A running authorization plugin that engines find by its name. */
export async function startAuthorizationPlugin(directory: string): Promise<AuthorizationPlugin> {
  const name = `e2e-authz-${path.basename(directory).replaceAll(/[^\w]/g, '')}`
  const socket = path.join('/run/docker/plugins', `${name}.sock`)
  const calls = path.join(directory, 'authorization-calls')
  let plugin: ReturnType<typeof spawn> | undefined
  const running: AuthorizationPlugin = {
    name,
    calls: (method) => readFileSync(calls, 'utf8').split('\n').filter((line) => line.startsWith(`/AuthZPlugin.${method} `)).map((line) => JSON.parse(line.slice(line.indexOf(' ') + 1)) as Record<string, unknown>),
    async start() {
      mkdirSync(path.dirname(socket), { recursive: true })
      plugin = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', path.join(import.meta.dirname, 'authorization-plugin.ts'), socket, calls], { stdio: ['ignore', 'inherit', 'inherit'] })
      await eventually(() => assert.ok(existsSync(socket)))
    },
    async stop() {
      if (plugin !== undefined && plugin.exitCode === null && plugin.signalCode === null) {
        const gone = once(plugin, 'exit')
        plugin.kill('SIGKILL')
        await gone
      }
      rmSync(socket, { force: true })
    },
  }
  await running.start()
  return running
}
