import { GantryError } from '../lib/errors.ts'

export type LogLevel = 'debug' | 'info' | 'warn' | 'error' | 'fatal'
export type LogFormat = 'text' | 'json'

export interface Log {
  (level: LogLevel, message: string, error?: unknown): void
  /** Lines below this level are dropped. */
  level: LogLevel
}

const order: Record<LogLevel, number> = { debug: 0, info: 1, warn: 2, error: 3, fatal: 4 }

/** One line a message on standard error, in the format of dockerd's log so that what reads the one reads the other. */
export function createLog({ level, format, write = writeStandardError }: { level: LogLevel; format: LogFormat; write?: (line: string) => void }): Log {
  const log: Log = Object.assign(
    (at: LogLevel, message: string, error?: unknown): void => {
      if (order[at] < order[log.level]) return
      const fields: Record<string, string> = { time: new Date().toISOString(), level: at === 'warn' ? 'warning' : at, msg: message }
      if (error !== undefined) fields['error'] = describe(error, log.level === 'debug')
      write(format === 'json' ? `${JSON.stringify(fields)}\n` : textLine(fields))
    },
    { level },
  )
  return log
}

/** @throws InvalidParameter with dockerd's text */
export function parseLogLevel(text: string): LogLevel {
  if (text === 'warning') return 'warn'
  if (Object.hasOwn(order, text)) return text as LogLevel
  throw new GantryError('InvalidParameter', `invalid logging level: ${text}`)
}

/** What a stack would show, and every cause below it. */
function describe(error: unknown, withStack: boolean): string {
  if (!(error instanceof Error)) return String(error)
  const own = withStack ? (error.stack ?? error.message) : error.message
  return error.cause === undefined ? own : `${own}: ${describe(error.cause, withStack)}`
}

function textLine(fields: Record<string, string>): string {
  const pairs = Object.entries(fields).map(([key, value]) => `${key}=${key === 'level' ? value : JSON.stringify(value)}`)
  return `${pairs.join(' ')}\n`
}

function writeStandardError(line: string): void {
  process.stderr.write(line)
}
