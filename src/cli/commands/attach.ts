import type { Command } from '../command.ts'
import { ExitError } from '../exit-error.ts'
import { detachKeysFlag } from '../grammar/common-flags.ts'
import { followTerminalSize } from '../terminal/resize.ts'
import { forwardSignals } from '../terminal/forward-signals.ts'
import { runSession } from '../terminal/stream-session.ts'
import { beginWait } from '../terminal/wait-exit.ts'

/** What attaching needs to know of a container. */
export type AttachTarget = {
  Id: string
  State: { Running: boolean; Paused: boolean; Restarting: boolean }
  Config: { Tty: boolean; OpenStdin: boolean }
  HostConfig: { AutoRemove: boolean }
}

export const attachCommand: Command = {
  path: 'attach',
  usage: ['CONTAINER'],
  summary: 'Attach to the streams of a running container',
  aliases: ['container attach', 'attach'],
  flags: [
    detachKeysFlag,
    { name: 'no-stdin', kind: 'boolean', help: 'Leave standard input alone' },
    { name: 'sig-proxy', kind: 'boolean', help: 'Forward signals to the process', shownDefault: 'true' },
  ],
  args: { min: 1, max: 1 },
  async run(context, { flags, args }) {
    const { client } = context
    const container = await client.json<AttachTarget>('GET', `/containers/${encodeURIComponent(args[0]!)}/json`)
    const { State, Config } = container
    if (!State.Running) throw new ExitError('You cannot attach to a stopped container, start it first')
    if (State.Paused) throw new ExitError('You cannot attach to a paused container, unpause it first')
    if (State.Restarting) throw new ExitError('You cannot attach to a restarting container, wait until it is running')
    const stdin = !flags.boolean('no-stdin') && Config.OpenStdin
    if (stdin && Config.Tty && !context.stdin.isTTY) throw new ExitError('the input device is not a TTY')
    const detachKeys = flags.string('detach-keys')
    const stopSignals = flags.boolean('sig-proxy', true) && !Config.Tty ? forwardSignals(context, container.Id) : () => {}
    let stopResize: (() => void) | undefined
    try {
      const { exitCode } = await beginWait(client, container.Id, 'not-running')
      const hijacked = await client.hijack(`/containers/${container.Id}/attach`, {
        query: { stream: true, stdin: stdin || undefined, stdout: true, stderr: true, detachKeys },
      })
      if (Config.Tty) stopResize = followTerminalSize(context, `/containers/${container.Id}/resize`, { redraw: true })
      const result = await runSession(context, hijacked, { tty: Config.Tty, stdin, stdout: true, stderr: true, detachKeys })
      return result === 'detached' ? 0 : await exitCode
    } finally {
      stopSignals()
      stopResize?.()
    }
  },
}
