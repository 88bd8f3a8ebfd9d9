import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { GantryError } from '../../../lib/errors.ts'

const logFile = 'log.json'
/** Errors in the C library's words; clients of Docker look for Go's, in small letters. */
const errorWords = ['No such file or directory', 'Permission denied', 'Not a directory', 'Is a directory']

export interface RuntimeFailure {
  /** The runtime's command: create, start, exec ... */
  act: string
  /** Where its log is. */
  directory: string
  /** When the log says nothing. */
  otherwise: string
  cause?: unknown
}

/**
 * What a runtime's log says, as Docker shows it: "OCI runtime create failed: …: unknown". Its exit code is 127 for a command
 * that was not found, 126 for one that cannot be executed, else 128 (daemon/errors.go of Docker blames them by the text too).
 */
export function runtimeFailure({ act, directory, otherwise, cause }: RuntimeFailure): GantryError {
  const reason = errorsOf(join(directory, logFile)) ?? otherwise
  const text = errorWords.reduce((all, words) => all.replaceAll(words, words.toLowerCase()), reason)
  const exitCode = exitCodeOf(text)
  return new GantryError(exitCode === 128 ? 'System' : 'InvalidParameter', `OCI runtime ${act} failed: ${text}: unknown`, { cause, exitCode })
}

function exitCodeOf(text: string): number {
  if (/executable file( `.*`)? not found|error finding executable/.test(text)) return 127
  if (/(exec: ".*": .*|failed to load .*|open executable): no such file or directory/.test(text)) return 127
  if (/(exec: ".*"|exec .*|failed to load .*|open executable|find path .*): .*(permission denied|operation not permitted|not a directory|is a directory|exec format error)/i.test(text)) return 126
  return 128
}

/**
 * The messages at level error or worse, the last first: it says what could not be done, the earlier ones why. runsc writes
 * its lines without a newline.
 */
function errorsOf(file: string): string | undefined {
  let text: string
  try {
    text = readFileSync(file, 'utf8')
  } catch {
    return undefined
  }
  const messages = text.split(/\n|(?<=\})(?=\{"msg":)/).flatMap((line) => {
    try {
      const { level, msg } = JSON.parse(line) as { level?: string; msg?: string }
      return msg !== undefined && (level === 'error' || level === 'fatal' || level === 'panic') ? [msg.trim()] : []
    } catch {
      return []
    }
  })
  return messages.length === 0 ? undefined : [...new Set(messages.toReversed())].join(': ')
}
