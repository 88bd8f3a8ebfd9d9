import type { Command } from '../command.ts'
import { bashScript } from '../completion/bash.ts'
import { fishScript } from '../completion/fish.ts'
import { places, type Place } from '../completion/words.ts'
import { ExitError } from '../exit-error.ts'
import { programName } from '../program.ts'

const scripts: Record<string, (places: ReadonlyMap<string, Place>) => string> = { bash: bashScript, zsh: zshScript, fish: fishScript }

export const completionCommand: Command = {
  path: 'completion',
  usage: ['bash|zsh|fish'],
  summary: 'Print a completion script for a shell',
  flags: [],
  args: { min: 1, max: 1 },
  async run(context, { args }) {
    const script = scripts[args[0]!]
    if (!script) throw new ExitError(`cannot complete for shell ${JSON.stringify(args[0])}: it must be bash, zsh or fish`)
    context.stdout.write(script(await places()))
  },
}

/** zsh understands bash's. */
function zshScript(found: ReadonlyMap<string, Place>): string {
  return `#compdef ${programName}
autoload -U +X bashcompinit && bashcompinit
${bashScript(found)}`
}
