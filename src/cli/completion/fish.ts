import { programName } from '../program.ts'
import { flagValues, isNoun, listings, subjects } from './nouns.ts'
import type { Place } from './words.ts'

/** A completion script for fish. */
export function fishScript(places: ReadonlyMap<string, Place>): string {
  const lines = [...places].flatMap(([path, { commands, flags }]) => {
    const condition = conditionOf(path)
    const below = commands.length === 0 ? [] : [line(path === '' ? '__fish_use_subcommand' : `${condition}; and not __fish_seen_subcommand_from ${commands.join(' ')}`, `-f -a '${commands.join(' ')}'`)]
    const subject = subjects[path]
    const nouns = subject === undefined ? [] : [...new Set(subject.takes)].map((noun) => line(condition, `-f -a '(${programName} ${listings[noun].replaceAll("'", '"')} 2>/dev/null)'`))
    const ways = flags.map(({ name, short, kind, help }) => {
      const value = flagValues[name]
      const offered = value === undefined || value === '' ? '' : ` -x -a '${isNoun(value) ? `(${programName} ${listings[value].replaceAll("'", '"')} 2>/dev/null)` : value}'`
      return line(condition, `-l ${name}${short === undefined ? '' : ` -s ${short}`}${kind === 'boolean' ? '' : offered || ' -r'} -d ${quoted(help)}`)
    })
    return [...below, ...nouns, ...ways]
  })
  return `# fish completion for ${programName}
function __${programName}_first_is
  set -l words (commandline -poc | string match -v -- '-*')
  test (count $words) -gt 1; and test $words[2] = $argv[1]
end
${lines.join('\n')}
`
}

function line(condition: string, rest: string): string {
  return `complete -c ${programName} -n '${condition}' ${rest}`
}

function conditionOf(path: string): string {
  const words = path.split(' ')
  if (path === '') return 'true'
  // "rm" alone is another command than "image rm".
  return words.length === 1 ? `__${programName}_first_is ${path}` : `__${programName}_first_is ${words[0]}; and __fish_seen_subcommand_from ${words[1]}`
}

function quoted(text: string): string {
  return `'${text.replaceAll('\\', '\\\\').replaceAll("'", String.raw`\'`)}'`
}
