import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { constants } from 'node:os'
import type { Command } from '../command.ts'
import { jsonLines } from '../display/json-lines.ts'
import { ExitError } from '../exit-error.ts'

type Message = { path?: string; error?: string }

export const fsCommand: Command = {
  path: 'fs',
  usage: ['CONTAINER [COMMAND] [ARG...]'],
  summary: "Show a container's file system at a path of the host, read-only, until interrupted or while COMMAND runs there",
  flags: [],
  args: { min: 1, max: Infinity },
  interspersed: false,
  async run(context, { args }) {
    const [container = '', ...command] = args
    const response = await context.client.open('POST', `/gantry/v1/containers/${encodeURIComponent(container)}/fs`, { unversioned: true })
    for await (const message of jsonLines(response.body)) {
      const { path, error } = message as Message
      if (error !== undefined) throw new ExitError(error)
      if (path === undefined) continue
      // The connection is what keeps the mount: it ends with this process.
      if (command.length > 0) return await runIn(path, command)
      context.stdout.write(`${path}\n`)
    }
    throw new ExitError('the engine has ended, and the mount with it')
  },
}

async function runIn(path: string, [program = '', ...args]: string[]): Promise<number> {
  if (!existsSync(path)) throw new ExitError(`cannot run ${program} in ${path}: the engine runs on another host, or as another user`)
  const child = spawn(program, args, { cwd: path, stdio: 'inherit' })
  process.on('SIGINT', ignore) // a terminal sends it to both
  try {
    const [code, signal] = (await once(child, 'exit')) as [number | null, NodeJS.Signals | null]
    return code ?? 128 + constants.signals[signal!]
  } catch (cause) {
    throw new ExitError(`cannot run ${program}: ${(cause as NodeJS.ErrnoException).code === 'ENOENT' ? 'it is not there' : (cause as Error).message}`, 127, { cause })
  } finally {
    process.off('SIGINT', ignore)
  }
}

function ignore(): void {}
