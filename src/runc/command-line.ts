import { appendFileSync } from 'node:fs'
import { GantryError, messageOf } from '../lib/errors.ts'
import { flag, isSet, parseArguments, type Arguments, type FlagTable } from './arguments.ts'
import { commands } from './command.ts'

const globalFlags: FlagTable = {
  root: { value: true },
  log: { value: true },
  'log-format': { value: true },
  debug: {},
  version: { letter: 'v' },
  help: { letter: 'h' },
  'systemd-cgroup': { missing: true },
  rootless: { value: true },
}

/** OCI runtime specification that `gantry-runc` follows. */
const specVersion = '1.2.0'
const version = '0.1.0'

/** The OCI runtime command line. @returns the exit code; 1 for an error of its own */
export async function runCommandLine(argv: readonly string[]): Promise<number> {
  let global: Arguments = { flags: new Map(), rest: [] }
  try {
    global = parseArguments(argv, globalFlags)
    if (isSet(global, 'version')) return print(`gantry-runc version ${version}\nspec: ${specVersion}\n`)
    const [name, ...rest] = global.rest
    if (name === undefined || isSet(global, 'help')) return print(usage)
    const load = commands[name]
    if (load === undefined) throw new GantryError('InvalidParameter', `no such command: ${name}; commands: ${Object.keys(commands).join(', ')}`)
    const command = await load()
    const args = parseArguments(rest, command.flags)
    const [least, most] = command.arguments
    if (args.rest.length < least) throw new GantryError('InvalidParameter', `${name} needs at least ${least} argument(s)`)
    if (args.rest.length > most) throw new GantryError('InvalidParameter', `${name} takes at most ${most} argument(s)`)
    return await command.run({ root: flag(global, 'root') ?? '/run/gantry-runc', args })
  } catch (error) {
    report(global, messageOf(error))
    return 1
  }
}

const usage = `Usage: gantry-runc [--root DIR] [--log FILE] [--log-format text|json] COMMAND

  ${Object.keys(commands).toSorted().join('\n  ')}
`

function print(text: string): number {
  process.stdout.write(text)
  return 0
}

/** containerd's shim reads the last JSON line of the log for what went wrong. */
function report(global: Arguments, text: string): void {
  process.stderr.write(`gantry-runc: ${text}\n`)
  const file = flag(global, 'log')
  if (file === undefined) return
  const time = new Date().toISOString()
  const line = flag(global, 'log-format') === 'json' ? JSON.stringify({ level: 'error', msg: text, time }) : `time="${time}" level=error msg=${JSON.stringify(text)}`
  appendFileSync(file, `${line}\n`)
}
