import { constants } from 'node:os'

const realtimeMinimum = 34
const realtimeMaximum = 64

/**
 * Number of a signal given as Docker takes it: "SIGTERM", "term", "15", "RTMIN+3", "SIGRTMAX-1".
 * @returns undefined for anything else
 */
export function signalNumber(signal: string): number | undefined {
  if (/^\d+$/.test(signal)) {
    const number = Number(signal)
    return number >= 1 && number <= realtimeMaximum ? number : undefined
  }
  const name = signal.toUpperCase().replace(/^SIG/, '')
  const realtime = /^RT(MIN|MAX)(?:([+-])(\d+))?$/.exec(name)
  if (!realtime) return (constants.signals as Record<string, number>)[`SIG${name}`]
  const [, end, sign, offset = '0'] = realtime
  const number = end === 'MIN' ? realtimeMinimum + Number(offset) : realtimeMaximum - Number(offset)
  const signFits = sign === undefined || (end === 'MIN' ? sign === '+' : sign === '-')
  return signFits && number >= realtimeMinimum && number <= realtimeMaximum ? number : undefined
}
