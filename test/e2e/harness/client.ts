import { mkdirSync } from 'node:fs'
import path from 'node:path'
import type { Engine } from './engine.ts'
import { program } from './program.ts'
import { type Finished, type RunOptions, run } from './run.ts'

export type ClientKind = 'docker' | 'gantry'

/** A command line client pointed at an engine. */
export interface Client {
  readonly kind: ClientKind
  readonly program: string
  readonly env: NodeJS.ProcessEnv
  docker(...args: string[]): Promise<Finished>
  dockerWith(options: RunOptions, ...args: string[]): Promise<Finished>
  /** For what has to succeed: its trimmed output. */
  ok(...args: string[]): Promise<string>
  /** `run -d` with these arguments; removed with force at the end of the block (`await using`). */
  container(...args: string[]): Promise<Container>
}

export interface Container extends AsyncDisposable {
  readonly id: string
  /** Of its first process, as the kernel's inspect line says it; 0 once it ended. */
  readonly pid: number
  inspect(template: string): Promise<string>
}

export function makeClient(kind: ClientKind, engine: Engine): Client {
  const home = path.join(engine.directory, 'home')
  mkdirSync(home, { recursive: true })
  const file = program(kind)
  const env = { ...process.env, DOCKER_HOST: `unix://${engine.socket}`, DOCKER_CONFIG: home, HOME: home, DOCKER_CLI_HINTS: 'false' }
  const dockerWith = (options: RunOptions, ...args: string[]) => run([file, ...args], { ...options, env: { ...env, ...options.env } })
  const docker = (...args: string[]) => dockerWith({}, ...args)

  const ok = async (...args: string[]) => {
    const { code, stdout, stderr } = await docker(...args)
    if (code !== 0) throw new Error(`${kind} ${args.join(' ')} ended with ${code}: ${stderr.trim()}`)
    return stdout.trim()
  }

  const container = async (...args: string[]): Promise<Container> => {
    const id = await ok('run', '-d', ...args)
    const inspect = (template: string) => ok('inspect', '-f', template, id)
    return {
      id,
      pid: Number(await inspect('{{.State.Pid}}')),
      inspect,
      async [Symbol.asyncDispose]() {
        await docker('rm', '-f', id)
      },
    }
  }
  return { kind, program: file, env, docker, dockerWith, ok, container }
}
