import type { CliContext, Command, Invocation } from '../command.ts'
import { errorText, ExitError } from '../exit-error.ts'
import { checkpointDirFlag, detachKeysFlag } from '../grammar/common-flags.ts'
import { followTerminalSize } from '../terminal/resize.ts'
import { forwardSignals } from '../terminal/forward-signals.ts'
import { runSession } from '../terminal/stream-session.ts'
import { beginWait } from '../terminal/wait-exit.ts'
import type { AttachTarget } from './attach.ts'

export const startCommand: Command = {
  path: 'start',
  usage: ['CONTAINER [CONTAINER...]'],
  summary: 'Start one or more stopped containers',
  aliases: ['container start', 'start'],
  flags: [
    { name: 'attach', short: 'a', kind: 'boolean', help: 'Attach output and forward signals' },
    { name: 'checkpoint', kind: 'string', help: 'Restore from this checkpoint' },
    checkpointDirFlag,
    detachKeysFlag,
    { name: 'interactive', short: 'i', kind: 'boolean', help: 'Attach standard input' },
  ],
  args: { min: 1, max: Infinity },
  async run(context, invocation) {
    const { flags, args } = invocation
    if (flags.boolean('attach') || flags.boolean('interactive')) {
      if (args.length > 1) throw new ExitError('you cannot start and attach multiple containers at once')
      return startAttached(context, invocation)
    }
    if (flags.string('checkpoint') !== '') {
      if (args.length > 1) throw new ExitError('you cannot restore multiple containers at once')
      await context.client.text('POST', `/containers/${encodeURIComponent(args[0]!)}/start`, { query: checkpointQuery(flags) })
      return 0
    }
    const failed: string[] = []
    for (const name of args) {
      try {
        await context.client.text('POST', `/containers/${encodeURIComponent(name)}/start`)
        context.stdout.write(`${name}\n`)
      } catch (error) {
        context.stderr.write(`${errorText(error)}\n`)
        failed.push(name)
      }
    }
    if (failed.length > 0) throw new ExitError(`Error: failed to start containers: ${failed.join(', ')}`)
    return 0
  },
}

function checkpointQuery(flags: Invocation['flags']): Record<string, string | undefined> {
  return { checkpoint: flags.string('checkpoint') || undefined, 'checkpoint-dir': flags.string('checkpoint-dir') || undefined }
}

async function startAttached(context: CliContext, { flags, args }: Invocation): Promise<number> {
  const { client } = context
  const container = await client.json<AttachTarget>('GET', `/containers/${encodeURIComponent(args[0]!)}/json`)
  const { Tty: tty, OpenStdin } = container.Config
  const stdin = flags.boolean('interactive') && OpenStdin
  const detachKeys = flags.string('detach-keys')
  const stopSignals = tty ? () => {} : forwardSignals(context, container.Id)
  let stopResize: (() => void) | undefined
  try {
    const hijacked = await client.hijack(`/containers/${container.Id}/attach`, {
      query: { stream: true, stdin: stdin || undefined, stdout: true, stderr: true, detachKeys },
    })
    const session = runSession(context, hijacked, { tty, stdin, stdout: true, stderr: true, detachKeys })
    session.catch(() => {})
    const { exitCode } = await beginWait(client, container.Id, container.HostConfig.AutoRemove ? 'removed' : 'next-exit')
    try {
      await client.text('POST', `/containers/${container.Id}/start`, { query: checkpointQuery(flags) })
    } catch (error) {
      hijacked.socket.destroy()
      await session.catch(() => {})
      throw error
    }
    if (tty) stopResize = followTerminalSize(context, `/containers/${container.Id}/resize`)
    return (await session) === 'detached' ? 0 : await exitCode
  } finally {
    stopSignals()
    stopResize?.()
  }
}
