import type { CliContext, Command, Invocation } from '../command.ts'
import { EngineError } from '../client/engine-error.ts'
import { createContainer } from '../container-options/create-container.ts'
import type { CreateRequest } from '../container-options/create-request.ts'
import { containerFlags } from '../container-options/flags.ts'
import { errorText, ExitError } from '../exit-error.ts'
import { detachKeysFlag } from '../grammar/common-flags.ts'
import { followTerminalSize } from '../terminal/resize.ts'
import { forwardSignals } from '../terminal/forward-signals.ts'
import { runSession } from '../terminal/stream-session.ts'
import { beginWait } from '../terminal/wait-exit.ts'
import { readRequest, withHelp } from './create.ts'

export const runCommand: Command = {
  path: 'run',
  usage: ['IMAGE [COMMAND] [ARG...]'],
  summary: 'Create and run a new container from an image',
  aliases: ['container run', 'run'],
  flags: [
    ...containerFlags,
    { name: 'detach', short: 'd', kind: 'boolean', help: 'Run in the background and print the identifier' },
    detachKeysFlag,
    { name: 'sig-proxy', kind: 'boolean', help: 'Forward signals to the process', shownDefault: 'true' },
  ],
  args: { min: 1, max: Infinity },
  interspersed: false,
  async run(context, invocation) {
    const { flags, args } = invocation
    const request = readRequest(context, { flags, args, command: 'run' })
    const detach = flags.boolean('detach')
    if (detach && flags.list('attach').length > 0) throw new ExitError('conflicting options: cannot specify both --attach and --detach')
    if (!detach && request.AttachStdin && request.Tty && !context.stdin.isTTY) throw new ExitError('the input device is not a TTY')
    if (context.stdout.isTTY) {
      const [width, height] = context.stdout.getWindowSize()
      request.HostConfig['ConsoleSize'] = [height, width]
    }
    let id: string
    try {
      id = await createContainer(context, { request, flags })
    } catch (error) {
      throw withHelp(error, 'run')
    }
    const attached = request.AttachStdin || request.AttachStdout || request.AttachStderr
    if (attached && !detach) return runAttached(context, { ...invocation, id, request })
    await start(context, id)
    context.stdout.write(`${id}\n`)
    return 0
  },
}

type Attached = Invocation & { id: string; request: CreateRequest }

/** attach, wait, start, in this order: nothing the container says or does may be missed. */
async function runAttached(context: CliContext, { flags, id, request }: Attached): Promise<number> {
  const { client } = context
  const stopSignals = flags.boolean('sig-proxy', true) ? forwardSignals(context, id) : () => {}
  let stopResize: (() => void) | undefined
  const detachKeys = flags.string('detach-keys')
  try {
    const hijacked = await client.hijack(`/containers/${id}/attach`, {
      query: {
        stream: true,
        stdin: request.AttachStdin || undefined,
        stdout: request.AttachStdout || undefined,
        stderr: request.AttachStderr || undefined,
        detachKeys,
      },
    })
    const session = runSession(context, hijacked, {
      tty: request.Tty,
      stdin: request.AttachStdin,
      stdout: request.AttachStdout,
      stderr: request.AttachStderr,
      detachKeys,
    })
    session.catch(() => {})
    const { exitCode } = await beginWait(client, id, request.HostConfig.AutoRemove ? 'removed' : 'next-exit')
    try {
      await start(context, id)
    } catch (error) {
      hijacked.socket.destroy()
      await session.catch(() => {})
      // With --rm the engine removes what could not start; leave when it has.
      if (request.HostConfig.AutoRemove) await exitCode.catch(() => {})
      throw error
    }
    if (request.Tty) stopResize = followTerminalSize(context, `/containers/${id}/resize`)
    if ((await session) === 'detached') return 0
    return await exitCode
  } finally {
    stopSignals()
    stopResize?.()
  }
}

async function start(context: CliContext, id: string): Promise<void> {
  try {
    await context.client.text('POST', `/containers/${id}/start`)
  } catch (error) {
    throw Object.assign(withHelp(error, 'run', startFailureCode(error)), { container: id })
  }
}

/** 127 for a command that is not there, 126 for one that cannot be executed, 125 for all else; by the engine's text. */
export function startFailureCode(error: unknown): number {
  const text = error instanceof EngineError ? error.reason : errorText(error)
  if (/executable file not found|no such file or directory|system cannot find the file specified/.test(text)) return 127
  if (/permission denied|is a directory/.test(text)) return 126
  return 125
}
