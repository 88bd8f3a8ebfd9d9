import { commands, commonCommands, groups } from './catalogue.ts'
import { entryLines, flagHelp } from './help.ts'
import { programName } from './program.ts'
import { rootFlags } from './root-flags.ts'

/** What `gantry` alone prints. */
export function rootHelp(columns: number): string {
  const others = Object.keys(commands).filter((name) => !commonCommands.includes(name)).toSorted()
  return `Usage:  ${programName} [OPTIONS] COMMAND

A container engine you can read

Common Commands:
${entries(commonCommands)}

Management Commands:
${entries(Object.keys(groups))}

Commands:
${entries(others)}

Global Options:
${flagHelp(rootFlags, columns)}

Run '${programName} COMMAND --help' for more information on a command.
`
}

function entries(names: string[]): string {
  return entryLines(names.map((name) => ({ name, summary: (commands[name] ?? groups[name])!.summary })))
}
