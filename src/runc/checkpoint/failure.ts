import { readFileSync } from 'node:fs'
import { GantryError } from '../../lib/errors.ts'

export interface CriuFailure {
  act: 'checkpoint' | 'restore'
  id: string
  log: string
  stderr: string
}

/** criu's own words for what went wrong. */
export function criuFailure({ act, id, log, stderr }: CriuFailure): GantryError {
  const written = readIfThere(log)
  const reason = errorsOf(written) || errorsOf(stderr)
  const said = reason || stderr.replaceAll('\0', '').trim().split('\n').at(-1) || 'it ended without a word'
  return new GantryError('System', `cannot ${act} container ${id}: criu: ${said}${written === '' ? '' : ` (log file: ${log})`}`)
}

/** How many lines are told: what comes first is the cause, the others follow from it. */
const told = 3
/** Where criu tells of what it tried in vain and can do without. They count where there is nothing else. */
const harmless = /^criu\/(?:util|tun)\.c/

function errorsOf(log: string): string {
  const errors = log.replaceAll('\0', '').split('\n').flatMap((line) => {
    const [, place, text] = /^(?:\(\d+\.\d+\)\s+)?(?:\d+:\s*)?Error \(([^)]*)\): (.*)$/.exec(line) ?? []
    return place === undefined || text === undefined ? [] : [{ place, text: text.trim() }]
  })
  const telling = errors.filter(({ place }) => !harmless.test(place))
  return [...new Set((telling.length > 0 ? telling : errors).map(({ text }) => text))].slice(0, told).join('; ')
}

function readIfThere(file: string): string {
  try {
    return readFileSync(file, 'latin1')
  } catch {
    return ''
  }
}
