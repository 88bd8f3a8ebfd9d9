import { appendFileSync, closeSync, openSync } from 'node:fs'
import { join } from 'node:path'
import { isRootless } from '../kernel/host-user.ts'
import { GantryError, messageOf } from '../lib/errors.ts'
import { flag, isSet, parseArguments, type Arguments } from './arguments.ts'
import { commands, type Command } from './command.ts'
import { globalFlags } from './global-flags.ts'
import { writeOut } from './output.ts'
import { commit, specVersion, version } from './version.ts'

/** The OCI runtime command line, as runc's. @returns the exit code; 1 for an error of its own, 255 of `exec` */
export async function runCommandLine(argv: readonly string[]): Promise<number> {
  let global: Arguments = { flags: new Map(), rest: [] }
  /** Not for mistakes in the command line. */
  let failure: Command['failure']
  try {
    global = parseArguments(argv, globalFlags)
    openLog(global)
    const [name, ...rest] = global.rest
    if (isSet(global, 'version')) return print(versionText)
    if (name === undefined || name === 'help' || isSet(global, 'help')) return print(usage)
    const load = commands[name]
    if (load === undefined) throw new GantryError('InvalidParameter', `no such command: ${name}; commands: ${Object.keys(commands).join(', ')}`)
    const command = await load()
    const args = parseArguments(rest, { ...command.flags, help: { letter: 'h' } })
    if (isSet(args, 'help')) return print(`Usage: gantry-runc ${name} [${Object.keys(command.flags).map((long) => `--${long}`).join('] [')}]\n`)
    const [least, most] = command.arguments
    if (args.rest.length < least || args.rest.length > most) throw new GantryError('InvalidParameter', `gantry-runc: "${name}" requires ${least === most ? 'exactly' : 'a minimum of'} ${least} argument(s)`)
    failure = command.failure
    return await command.run({ root: flag(global, 'root') || defaultRoot(), systemd: isSet(global, 'systemd-cgroup'), args })
  } catch (error) {
    report(global, `${failure?.prefix ?? ''}${messageOf(error)}`)
    return failure?.code ?? 1
  }
}

/** An ordinary user's state is where only he can write, as runc's. */
function defaultRoot(): string {
  const own = process.env['XDG_RUNTIME_DIR']
  return isRootless() && own ? join(own, 'gantry-runc') : '/run/gantry-runc'
}

/** Callers take the version from the first line and what follows "spec:" (podman info, docker info). */
const versionText = `gantry-runc version ${version}\ncommit: ${commit}\nspec: ${specVersion}\n`

const usage = `Usage: gantry-runc [--root DIR] [--log FILE] [--log-format text|json] [--systemd-cgroup] COMMAND

  ${Object.keys(commands).toSorted().join('\n  ')}
`

function print(text: string): number {
  writeOut(1, text)
  return 0
}

/** containerd and conmon read the last JSON line of the log for what went wrong, and expect the file to be there. */
function openLog(global: Arguments): void {
  const format = flag(global, 'log-format') ?? 'text'
  if (format !== 'text' && format !== 'json') throw new GantryError('InvalidParameter', `invalid log-format: ${format}`)
  const file = flag(global, 'log')
  if (file) closeSync(openSync(file, 'a', 0o644))
}

function report(global: Arguments, text: string): void {
  const file = flag(global, 'log')
  const time = new Date().toISOString().replace(/\.\d+/, '')
  const line = flag(global, 'log-format') === 'json' ? JSON.stringify({ level: 'error', msg: text, time }) : `time="${time}" level=error msg=${JSON.stringify(text)}`
  if (!file) return writeOut(2, `${line}\n`)
  writeOut(2, `${text}\n`)
  appendFileSync(file, `${line}\n`)
}
