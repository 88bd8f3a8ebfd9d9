import type { Command } from '../command.ts'
import { commands, groups } from '../catalogue.ts'
import { ExitError } from '../exit-error.ts'
import { programName } from '../program.ts'

export const completionCommand: Command = {
  path: 'completion',
  usage: ['bash|zsh|fish'],
  summary: 'Print a completion script for a shell',
  flags: [],
  args: { min: 1, max: 1 },
  async run(context, { args }) {
    const scripts: Record<string, (words: Words) => string> = { bash, zsh, fish }
    const script = scripts[args[0]!]
    if (!script) throw new ExitError(`cannot complete for shell ${JSON.stringify(args[0])}: it must be bash, zsh or fish`)
    context.stdout.write(script(await collectWords()))
  },
}

/** Command path ("" is the root) to the words that may follow it. */
type Words = Map<string, string[]>

async function collectWords(): Promise<Words> {
  const words: Words = new Map([['', [...Object.keys(commands), ...Object.keys(groups), 'help']]])
  const add = async (path: string, load: () => Promise<Command>) => {
    const { flags } = await load()
    words.set(path, [...flags.filter((flag) => !flag.hidden).map((flag) => `--${flag.name}`), '--help'])
  }
  // This file is one of the commands; loading it again finds it in the module cache.
  for (const [name, entry] of Object.entries(commands)) await add(name, entry.load)
  for (const [name, group] of Object.entries(groups)) {
    words.set(name, Object.keys(group.commands))
    for (const [sub, entry] of Object.entries(group.commands)) await add(`${name} ${sub}`, entry.load)
  }
  return words
}

const nouns = {
  containers: ['start', 'stop', 'kill', 'rm', 'restart', 'exec', 'attach', 'logs', 'top', 'wait', 'pause', 'unpause', 'rename', 'port', 'diff', 'explain', 'inspect'],
  images: ['run', 'create', 'rmi', 'tag', 'save', 'history'],
}

function bash(words: Words): string {
  const cases = [...words].map(([path, list]) => `    ${JSON.stringify(path)}) words=${JSON.stringify(list.join(' '))} ;;`)
  return `# bash completion for ${programName}
_${programName}() {
  local current="\${COMP_WORDS[COMP_CWORD]}" path="" words="" word
  for word in "\${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
    case "$word" in -*) continue ;; esac
    case "$path" in
      "") path="$word" ;;
      ${Object.keys(groups).join('|')}) path="$path $word" ;;
    esac
  done
  case "$path" in
${cases.join('\n')}
  esac
  case "$current" in
    -*) ;;
    *)
      case "$path" in
        "volume inspect"|"volume rm") words="$(${programName} volume ls -q 2>/dev/null)" ;;
        *) case "\${path##* }" in
          ${nouns.containers.join('|')}) words="$(${programName} ps -a --format '{{.Names}}' 2>/dev/null)" ;;
          ${nouns.images.join('|')}) words="$(${programName} images --format '{{.Repository}}:{{.Tag}}' 2>/dev/null)" ;;
        esac ;;
      esac ;;
  esac
  COMPREPLY=($(compgen -W "$words" -- "$current"))
}
complete -o default -F _${programName} ${programName}
`
}

function zsh(words: Words): string {
  return `#compdef ${programName}
autoload -U +X bashcompinit && bashcompinit
${bash(words)}`
}

function fish(words: Words): string {
  const lines = [...words].map(([path, list]) => {
    const [first, second] = path.split(' ')
    const condition =
      path === '' ? '__fish_use_subcommand' : second ? `__fish_seen_subcommand_from ${first}; and __fish_seen_subcommand_from ${second}` : `__fish_seen_subcommand_from ${first}`
    return `complete -c ${programName} -n '${condition}' -a '${list.join(' ')}'`
  })
  return `# fish completion for ${programName}\ncomplete -c ${programName} -f\n${lines.join('\n')}\n`
}
