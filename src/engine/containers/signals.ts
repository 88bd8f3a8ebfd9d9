import { GantryError } from '../../lib/errors.ts'
import { signalNumber as parseSignal } from '../spec/validate/signals.ts'

export const sigkill = 9

/** "SIGTERM", "term", "15", "RTMIN+3". @throws InvalidParameter "invalid signal: x" */
export function signalNumber(text: string): number {
  const number = parseSignal(text)
  if (number === undefined) throw new GantryError('InvalidParameter', `invalid signal: ${text}`)
  return number
}
