import { mkdirSync, symlinkSync } from 'node:fs'
import path from 'node:path'
import type { Client } from '../harness/client.ts'
import type { Engine } from '../harness/engine.ts'
import { executable, projectRoot } from '../harness/program.ts'
import { type Finished, type RunOptions, run } from '../harness/run.ts'

/** Where compose of the second generation is: a package of Debian 13, the one that scripts/setup fetched, or Docker's own. */
const places = ['/usr/libexec/docker/cli-plugins', path.join(projectRoot, 'build/cli-plugins'), '/usr/lib/docker/cli-plugins', '/usr/local/lib/docker/cli-plugins']

export const composePlugin = places.map((place) => path.join(place, 'docker-compose')).find(executable)

/** `docker compose` in a project's directory, on the engine's network host. */
export interface Compose {
  (...args: string[]): Promise<Finished>
  with(options: RunOptions, ...args: string[]): Promise<Finished>
  /** For what has to succeed: its trimmed output. */
  ok(...args: string[]): Promise<string>
}

/** Makes the plugin known to this client, which knows no other. */
export function install(client: Client, plugin: string): void {
  const folder = path.join(client.env['DOCKER_CONFIG'] ?? '', 'cli-plugins')
  mkdirSync(folder, { recursive: true })
  symlinkSync(plugin, path.join(folder, 'docker-compose'))
}

export function composeIn(directory: string, engine: Engine, client: Client): Compose {
  const call = (options: RunOptions, args: string[]) =>
    run([...engine.host.enter, client.program, 'compose', '--project-directory', directory, ...args], { ...options, env: { ...client.env, COMPOSE_PROGRESS: 'plain', TOKEN: 'from the environment', ...options.env } })
  const compose = (...args: string[]) => call({}, args)
  return Object.assign(compose, {
    with: (options: RunOptions, ...args: string[]) => call(options, args),
    async ok(...args: string[]) {
      const { code, stdout, stderr } = await compose(...args)
      if (code !== 0) throw new Error(`docker compose ${args.join(' ')} ended with ${code}: ${stderr.trim()}`)
      return stdout.trim()
    },
  })
}
