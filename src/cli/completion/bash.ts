import { groups } from '../catalogue.ts'
import { programName } from '../program.ts'
import { flagValues, isNoun, listings, subjects } from './nouns.ts'
import { takingValues, type Place } from './words.ts'

/**
 * A completion script for bash. The line is split at blanks alone: bash's own words end at "=" and ":" as well, so that of what is
 * offered the part before the last of these is taken off.
 */
export function bashScript(places: ReadonlyMap<string, Place>): string {
  const paths = [...places]
  return `# bash completion for ${programName}
_${programName}_list() {
  case "$1" in
${Object.entries(listings).map(([noun, command]) => `    ${noun}) ${programName} "\${root[@]}" ${command} 2>/dev/null ;;`).join('\n')}
  esac
}

_${programName}() {
  local line="\${COMP_LINE:0:COMP_POINT}" current="" previous="" path="" words="" count=0 word
  local -a typed root=()
  read -ra typed <<<"$line"
  case "$line" in *[[:blank:]]) ;; *) current="\${typed[-1]}"; unset 'typed[-1]' ;; esac
  for word in "\${typed[@]:1}"; do
    if [[ -n "$previous" ]]; then
      [[ -z "$path" ]] && root+=("$previous" "$word")
      previous=""
      continue
    fi
    case "$word" in
      --*=*) [[ -z "$path" ]] && root+=("$word") ;;
      -*)
        case "$path" in
${paths.map(([path, { flags }]) => [path, takingValues(flags)] as const).filter(([, flags]) => flags.length > 0).map(([path, flags]) => `          ${JSON.stringify(path)}) case "$word" in ${flags.join('|')}) previous="$word" ;; esac ;;`).join('\n')}
        esac
        [[ -z "$path" && -z "$previous" ]] && root+=("$word") ;;
      *)
        case "$path" in
          "") path="$word" ;;
          ${Object.keys(groups).join('|')}) path="$path $word" ;;
          *) count=$((count + 1)) ;;
        esac ;;
    esac
  done
  case "$current" in --*=*) previous="\${current%%=*}" ;; esac
  if [[ -n "$previous" ]]; then
    case "$previous" in
${Object.entries(flagValues).map(([flag, value]) => `      --${flag}) words="${isNoun(value) ? `$(_${programName}_list ${value})` : value}" ;;`).join('\n')}
    esac
    case "$current" in --*=*) words="$(printf -- "$previous=%s " $words)" ;; esac
  else
    case "$current" in
      -*)
        case "$path" in
${paths.map(([path, { flags }]) => `          ${JSON.stringify(path)}) words=${JSON.stringify([...flags.map(({ name }) => `--${name}`), '--help'].join(' '))} ;;`).join('\n')}
        esac ;;
      *)
        case "$path" in
${paths.filter(([, { commands }]) => commands.length > 0).map(([path, { commands }]) => `          ${JSON.stringify(path)}) words=${JSON.stringify(commands.join(' '))} ;;`).join('\n')}
          inspect) words="$(_${programName}_list containers; _${programName}_list images; _${programName}_list networks; _${programName}_list volumes)" ;;
          *)
            case "$path:$count" in
${subjectLines().join('\n')}
            esac ;;
        esac ;;
    esac
  fi
  COMPREPLY=($(compgen -W "$words" -- "$current"))
  local before=""
  [[ "$current" == *[:=]* ]] && before="\${current%"\${current##*[:=]}"}"
  COMPREPLY=("\${COMPREPLY[@]#"$before"}")
}
complete -o default -F _${programName} ${programName}
`
}

function subjectLines(): string[] {
  return Object.entries(subjects).flatMap(([path, { takes, more = false }]) =>
    takes.map((noun, index) => {
      const count = more && index === takes.length - 1 ? '*' : String(index)
      return `              "${path}":${count}) words="$(_${programName}_list ${noun})" ;;`
    }),
  )
}
