import type { Command } from './command.ts'
import type { Flag } from './grammar/flag.ts'
import { programName } from './program.ts'

export type HelpEntry = { name: string; summary: string }

/** `--help` of one command. `columns` is the width of the terminal. */
export function commandHelp(command: Command, columns: number): string {
  const parts = [usageLine(command), command.summary]
  if (command.aliases) parts.push(`Aliases:\n  ${command.aliases.map((alias) => `${programName} ${alias}`).join(', ')}`)
  const shown = command.flags.filter((flag) => !flag.hidden)
  if (shown.length > 0) parts.push(`Options:\n${flagHelp(shown, columns)}`)
  return `${parts.join('\n\n')}\n`
}

/** The usage line(s), also printed after a grammar error. */
export function usageLine(command: Command): string {
  const options = command.flags.some((flag) => !flag.hidden) ? ' [OPTIONS]' : ''
  const forms = command.usage.map((form) => `${programName} ${command.path}${options}${form && ` ${form}`}`)
  return `Usage:  ${forms.join('\n\t')}`
}

/** `--help` of a group such as "network". */
export function groupHelp(group: { path: string; summary: string; commands: HelpEntry[] }): string {
  return `Usage:  ${programName} ${group.path} COMMAND

${group.summary}

Commands:
${entryLines(group.commands)}

Run '${programName} ${group.path} COMMAND --help' for more information on a command.
`
}

export function entryLines(entries: HelpEntry[]): string {
  const width = Math.max(11, ...entries.map((entry) => entry.name.length))
  return entries.map((entry) => `  ${entry.name.padEnd(width)} ${entry.summary}`).join('\n')
}

/** The table of flags: names in one column, wrapped descriptions in the other. */
export function flagHelp(flags: readonly Flag[], columns: number): string {
  const rows = flags
    .toSorted((a, b) => (a.name < b.name ? -1 : 1))
    .map((flag) => ({ left: leftColumn(flag), text: flag.help + (flag.shownDefault ? ` (default ${flag.shownDefault})` : '') }))
  const indent = Math.max(...rows.map((row) => row.left.length)) + 3
  return rows.map((row) => row.left.padEnd(indent) + wrapText(row.text, { indent, columns: columns - 1 })).join('\n')
}

const placeholders: Record<Flag['kind'], string> = {
  boolean: '', string: 'string', list: 'list', int: 'int', uint16: 'uint16', bytes: 'bytes', nano: 'decimal', duration: 'duration',
}

function leftColumn(flag: Flag): string {
  const placeholder = flag.placeholder ?? placeholders[flag.kind]
  return `  ${flag.short ? `-${flag.short},` : '   '} --${flag.name}${placeholder && ` ${placeholder}`}`
}

/** Breaks at the last blank that fits; a last line may run over by a few letters rather than leave an orphan. */
function wrapText(text: string, layout: { indent: number; columns: number }): string {
  const orphan = 5
  const width = layout.columns - layout.indent - orphan
  const lines: string[] = []
  for (let rest = text; rest !== ''; ) {
    const newline = rest.indexOf('\n')
    const paragraph = newline < 0 ? rest : rest.slice(0, newline)
    const fits = newline < 0 ? paragraph.length < width + orphan + 1 : paragraph.length < width
    let end = paragraph.length
    if (!fits && width >= 24) {
      const blank = paragraph.slice(0, width).lastIndexOf(' ')
      if (blank > 0) end = blank
    }
    lines.push(rest.slice(0, end))
    rest = rest.slice(end + 1)
  }
  return lines.join(`\n${' '.repeat(layout.indent)}`)
}
