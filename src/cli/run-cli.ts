import { homedir } from 'node:os'
import { join } from 'node:path'
import { commands, groups } from './catalogue.ts'
import type { CliContext, Command } from './command.ts'
import { EngineClient } from './client/engine-client.ts'
import { parseAddress, usualHost } from './client/host.ts'
import { currentContext, engineAddress } from './contexts/current-context.ts'
import { errorText, ExitError } from './exit-error.ts'
import type { FlagValues } from './grammar/flag.ts'
import { GrammarError, parseFlags } from './grammar/parse-flags.ts'
import { checkCount, countError, grammarError, unknownCommand } from './grammar-messages.ts'
import { programName, version } from './program.ts'
import { rootFlags } from './root-flags.ts'

/** Runs one command line; answers the exit code when all output has been taken. */
export async function runCli(words: string[], io: CliStreams): Promise<number> {
  let debug = false
  const restore = leaveOnBrokenPipe(io)
  let client: EngineClient | undefined
  try {
    const root = parseRoot(words)
    debug = root.values.boolean('debug')
    const found = await findCommand(root, io.stdout)
    if (!found) return 0
    const configDirectory = root.values.string('config') || io.env['DOCKER_CONFIG'] || join(io.env['HOME'] || homedir(), '.docker')
    const sources = { flags: root.values, env: io.env, configDirectory }
    // A context that is broken must not keep its user from mending it.
    const local = found.command.path.startsWith('context ') || found.command.path === 'completion'
    client = new EngineClient(local ? parseAddress(usualHost()) : engineAddress(sources), io.env)
    const context: CliContext = {
      get stdin() {
        return io.stdin
      },
      stdout: io.stdout,
      stderr: io.stderr,
      env: io.env,
      client,
      configDirectory,
      currentContext: () => currentContext(sources),
      debug,
    }
    return await runCommand(found.command, found.words, context)
  } catch (error) {
    if (!(error instanceof Error) || error.message !== '') io.stderr.write(`${errorText(error)}\n`)
    const hint = client && error instanceof Error && error.message !== '' ? await (await import('./hints/hint.ts')).hintFor(error, client) : undefined
    if (hint !== undefined) io.stderr.write(`${hint}\n`)
    if (debug) io.stderr.write(`${(error as Error).stack}\n`)
    return error instanceof ExitError ? error.exitCode : 1
  } finally {
    client?.close()
    await flush(io.stdout)
    await flush(io.stderr)
    restore()
  }
}

/** A slow reader of a pipe gets everything before the process goes. */
function flush(stream: NodeJS.WriteStream): Promise<void> {
  if (stream.destroyed || stream.writableLength === 0) return Promise.resolve()
  return new Promise((resolve) => stream.write('', () => resolve()))
}

/** The parts of `process` that a command line needs. */
export type CliStreams = { stdin: NodeJS.ReadStream; stdout: NodeJS.WriteStream; stderr: NodeJS.WriteStream; env: NodeJS.ProcessEnv }

type Root = { values: FlagValues; positionals: string[]; wantsHelp: boolean }

function parseRoot(words: string[]): Root {
  try {
    return parseFlags(words, rootFlags, { interspersed: false })
  } catch (cause) {
    throw cause instanceof GrammarError ? grammarError(cause.message, `Usage:  ${programName} [OPTIONS] COMMAND [ARG...]`, '') : cause
  }
}

/** The command and its words; nothing if help or version was asked for and has been printed. */
async function findCommand(root: Root, out: NodeJS.WriteStream): Promise<{ command: Command; words: string[] } | undefined> {
  let [name, ...rest] = root.positionals
  if (root.values.boolean('version') && !root.wantsHelp) {
    out.write(`${programName} version ${version}\n`)
    return undefined
  }
  if (name === 'help' && rest.length > 0) [name, ...rest] = [...rest, '--help']
  if (name === undefined || root.wantsHelp || name === 'help') {
    out.write((await import('./root-help.ts')).rootHelp(out.columns ?? 80))
    return undefined
  }
  if (Object.hasOwn(commands, name)) return { command: { ...(await commands[name]!.load()), path: name }, words: rest }
  if (!Object.hasOwn(groups, name)) throw unknownCommand('', name)
  const group = groups[name]!
  const [sub, ...words] = rest
  if (sub === undefined || sub === '--help' || sub === '-h') {
    const { groupHelp } = await import('./help.ts')
    const entries = Object.entries(group.commands).map(([entry, { summary }]) => ({ name: entry, summary }))
    out.write(groupHelp({ path: name, summary: group.summary, commands: entries }))
    return undefined
  }
  const canonical = group.aliases?.[sub] ?? sub
  if (!Object.hasOwn(group.commands, canonical)) throw unknownCommand(name, sub)
  return { command: { ...(await group.commands[canonical]!.load()), path: `${name} ${canonical}` }, words }
}

async function runCommand(command: Command, words: string[], context: CliContext): Promise<number> {
  const help = await import('./help.ts')
  try {
    const { values, positionals, wantsHelp } = parseFlags(words, command.flags, { interspersed: command.interspersed ?? true })
    if (wantsHelp) {
      context.stdout.write(help.commandHelp(command, context.stdout.columns ?? 80))
      return 0
    }
    if (!checkCount(command, positionals.length)) throw countError(command)
    return (await command.run(context, { flags: values, args: positionals })) ?? 0
  } catch (cause) {
    throw cause instanceof GrammarError ? grammarError(cause.message, help.usageLine(command), ` ${command.path}`) : cause
  }
}

/** A reader that has gone away ends the command without a word, as SIGPIPE does. Answers the function that undoes it. */
function leaveOnBrokenPipe({ stdout, stderr }: CliStreams): () => void {
  for (const stream of [stdout, stderr]) stream.on('error', onStreamError)
  return () => {
    for (const stream of [stdout, stderr]) stream.off('error', onStreamError)
  }
}

function onStreamError(error: NodeJS.ErrnoException): void {
  if (error.code !== 'EPIPE') throw error
  // What a shell shows of a process that died of SIGPIPE.
  process.exit(141)
}
