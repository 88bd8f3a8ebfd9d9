import type { CliContext, Command } from '../command.ts'
import { environment } from '../container-options/environment.ts'
import { OptionError } from '../container-options/option-error.ts'
import { flagChecks } from '../container-options/flag-checks.ts'
import { ExitError } from '../exit-error.ts'
import { detachKeysFlag } from '../grammar/common-flags.ts'
import type { FlagValues } from '../grammar/flag.ts'
import { followTerminalSize } from '../terminal/resize.ts'
import { runSession } from '../terminal/stream-session.ts'

export const execCommand: Command = {
  path: 'exec',
  usage: ['CONTAINER COMMAND [ARG...]'],
  summary: 'Execute a command in a running container',
  aliases: ['container exec', 'exec'],
  flags: [
    { name: 'detach', short: 'd', kind: 'boolean', help: 'Run the command in the background' },
    detachKeysFlag,
    { name: 'env', short: 'e', kind: 'list', help: 'Set an environment variable', check: flagChecks['env']! },
    { name: 'env-file', kind: 'list', help: 'Read environment variables from a file' },
    { name: 'interactive', short: 'i', kind: 'boolean', help: 'Keep standard input open' },
    { name: 'privileged', kind: 'boolean', help: 'Give the command all privileges' },
    { name: 'tty', short: 't', kind: 'boolean', help: 'Give the command a terminal' },
    { name: 'user', short: 'u', kind: 'string', help: 'User as <name|uid>[:<group|gid>]' },
    { name: 'workdir', short: 'w', kind: 'string', help: 'Working directory in the container' },
  ],
  args: { min: 2, max: Infinity },
  interspersed: false,
  async run(context, { flags, args }) {
    const [container, ...command] = args
    const { client } = context
    const request = execRequest(context, flags, command)
    if (!request.Detach && request.AttachStdin && request.Tty && !context.stdin.isTTY) throw new ExitError('the input device is not a TTY')
    const { Id } = await client.json<{ Id: string }>('POST', `/containers/${encodeURIComponent(container!)}/exec`, { json: request })
    if (request.Detach) {
      await client.text('POST', `/exec/${Id}/start`, { json: { Detach: true, Tty: request.Tty, ConsoleSize: request.ConsoleSize } })
      return 0
    }
    const hijacked = await client.hijack(`/exec/${Id}/start`, { json: { Detach: false, Tty: request.Tty, ConsoleSize: request.ConsoleSize } })
    const stopResize = request.Tty ? followTerminalSize(context, `/exec/${Id}/resize`) : () => {}
    try {
      const session = { tty: request.Tty, stdin: request.AttachStdin, stdout: true, stderr: true, detachKeys: flags.string('detach-keys') }
      if ((await runSession(context, hijacked, session)) === 'detached') throw new ExitError('read escape sequence')
    } finally {
      stopResize()
    }
    const { ExitCode, Pid } = await client.json<{ ExitCode: number | null; Pid?: number }>('GET', `/exec/${Id}/json`)
    // One without a process could not be executed; the engine has said so on the session's output.
    if (ExitCode === 127 && Pid === 0) await tellPrograms(context, { container: container!, command })
    return ExitCode ?? 0
  },
}

async function tellPrograms(context: CliContext, { container, command }: { container: string; command: string[] }): Promise<void> {
  const { programsHint } = await import('../hints/programs.ts')
  const hint = await programsHint(`exec: "${command[0]}"`, { container, client: context.client }).catch(() => undefined)
  if (hint !== undefined) context.stderr.write(`${hint}\n`)
}

function execRequest(context: CliContext, flags: FlagValues, command: string[]) {
  let Env: string[]
  try {
    Env = environment(flags, context.env)
  } catch (cause) {
    throw cause instanceof OptionError ? new ExitError(cause.message, 1, { cause }) : cause
  }
  const detach = flags.boolean('detach')
  const [width, height] = context.stdout.isTTY ? context.stdout.getWindowSize() : [0, 0]
  return {
    User: flags.string('user'),
    Privileged: flags.boolean('privileged'),
    Tty: flags.boolean('tty'),
    AttachStdin: !detach && flags.boolean('interactive'),
    AttachStdout: !detach,
    AttachStderr: !detach,
    Detach: detach,
    DetachKeys: flags.string('detach-keys'),
    Env: Env.length > 0 ? Env : null,
    WorkingDir: flags.string('workdir'),
    Cmd: command,
    ...(flags.boolean('tty') && height > 0 && { ConsoleSize: [height, width] as [number, number] }),
  }
}
