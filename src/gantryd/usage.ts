import { flags } from './flags.ts'

/** The text of --help. */
export function usageText(): string {
  const rows = flags.filter(({ fileOnly }) => fileOnly !== true).map(({ name, short, help }) => {
    const bar = help.indexOf('|')
    const word = bar < 0 ? '' : ` ${help.slice(0, bar)}`
    return [`  ${short === undefined ? '   ' : `-${short},`} --${name}${word}`, help.slice(bar + 1)] as const
  })
  const width = Math.max(...rows.map(([left]) => left.length)) + 3
  return `
Usage:  gantryd [OPTIONS]

A Docker-compatible container engine.

Options:
${rows.map(([left, right]) => `${left.padEnd(width)}${right}`).join('\n')}
`.trimStart()
}
