import { GantryError } from '../../lib/errors.ts'

export interface ProcessTable {
  Titles: string[]
  Processes: string[][]
}

/**
 * Picks the lines of `ps` output that belong to `pids`. The last column takes the rest of the line. A line whose pid is "-"
 * (a thread, with ps's m flag) goes with the process above it.
 */
export function parsePs(output: string, pids: ReadonlySet<number>): ProcessTable {
  const [header = '', ...lines] = output.split('\n')
  const titles = fieldsOf(header)
  const pidColumn = titles.indexOf('PID')
  if (pidColumn < 0) throw new GantryError('System', "Couldn't find PID field in ps output")
  const processes: string[][] = []
  let belongs = false
  for (const line of lines) {
    if (line.trim() === '') continue
    const fields = fieldsOf(line)
    const pid = fields[pidColumn] ?? ''
    if (pid !== '-') belongs = pids.has(pidOf(pid))
    if (belongs) processes.push([...fields.slice(0, titles.length - 1), fields.slice(titles.length - 1).join(' ')])
  }
  return { Titles: titles, Processes: processes }
}

function pidOf(text: string): number {
  if (!/^\d+$/.test(text)) throw new GantryError('System', `Unexpected pid '${text}'`)
  return Number(text)
}

function fieldsOf(line: string): string[] {
  return line.split(/[\t\n\v\f\r ]+/).filter((field) => field !== '')
}

/** The pid column must keep its title: it is how the container's processes are found. @throws InvalidParameter */
export function checkPsArguments(text: string): void {
  for (const [, keyword = '', title = ''] of text.matchAll(/\s+(\S*)=\s*(PID\S*)/g)) {
    if (keyword !== 'pid') throw new GantryError('InvalidParameter', `specifying "${keyword}=${title}" is not allowed`)
  }
}
