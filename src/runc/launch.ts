import { join } from 'node:path'
import { startBundle } from '../lib/compiled-bundle.ts'
import { parseArguments } from './arguments.ts'
import { frequentCommands } from './frequent-commands.ts'
import { globalFlags } from './global-flags.ts'

/** Starts the bundle of a command, or that of all. */
const lateModules = ['node:child_process', 'node:net', 'node:tty', 'node:fs/promises', 'node:os', 'node:timers/promises']
startBundle({ path: join(__dirname, `gantry-runc-${frequentCommand() ?? 'main'}.cjs`), lateModules })

/** undefined also for a command line that is wrong, which the bundle of all commands says. */
function frequentCommand(): string | undefined {
  try {
    const [name = ''] = parseArguments(process.argv.slice(2), globalFlags).rest
    return frequentCommands.includes(name) ? name : undefined
  } catch {
    return undefined
  }
}
