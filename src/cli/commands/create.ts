import type { CliContext, Command } from '../command.ts'
import { errorText, ExitError } from '../exit-error.ts'
import { programName } from '../program.ts'
import type { FlagValues } from '../grammar/flag.ts'
import { containerFlags, windowsFlags } from '../container-options/flags.ts'
import { withApiSocket } from '../container-options/api-socket.ts'
import { OptionError } from '../container-options/option-error.ts'
import { createRequest, type CreateRequest } from '../container-options/create-request.ts'
import { createContainer } from '../container-options/create-container.ts'

export const createCommand: Command = {
  path: 'create',
  usage: ['IMAGE [COMMAND] [ARG...]'],
  summary: 'Create a new container',
  aliases: ['container create', 'create'],
  flags: containerFlags,
  args: { min: 1, max: Infinity },
  interspersed: false,
  async run(context, { flags, args }) {
    const request = readRequest(context, { flags, args, command: 'create' })
    context.stdout.write(`${await createContainer(context, { request, flags })}\n`)
  },
}

/** The request the flags stand for; ends with code 125 and a pointer to --help if they make no sense. */
export function readRequest(context: CliContext, given: { flags: FlagValues; args: string[]; command: string }): CreateRequest {
  const { flags, args, command } = given
  const foreign = windowsFlags.filter((flag) => flags.has(flag.name))
  if (foreign.length > 0) {
    const reason = 'is only supported on a Docker daemon running on windows, but the Docker daemon is running on linux'
    throw new ExitError(foreign.map((flag) => `"--${flag.name}" ${reason}`).join('\n'))
  }
  try {
    const pull = flags.string('pull', 'missing')
    if (!['always', 'missing', 'never', ''].includes(pull)) {
      throw new OptionError(`invalid pull option: '${pull}': must be one of "always", "missing" or "never"`)
    }
    const request = createRequest(flags, args, { env: context.env, terminalSize: [0, 0] })
    return flags.boolean('use-api-socket') ? withApiSocket(request, context) : request
  } catch (cause) {
    if (cause instanceof OptionError) throw withHelp(cause, command)
    throw cause
  }
}

/** An error of run and create as docker words it, prefixed and with a pointer to --help. */
export function withHelp(cause: unknown, command: string, exitCode = 125): ExitError {
  const pointer = `Run '${programName} ${command} --help' for more information`
  return new ExitError(`${programName}: ${errorText(cause)}\n\n${pointer}`, exitCode, { cause })
}
