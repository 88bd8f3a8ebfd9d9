import type { Writable } from 'node:stream'
import { ExitError } from '../exit-error.ts'
import { humanSize } from '../format/human.ts'
import { jsonLines } from './json-lines.ts'

type Message = {
  status?: string
  stream?: string
  id?: string
  progress?: string
  progressDetail?: { current?: number; total?: number }
  error?: string
  errorDetail?: { message?: string }
  aux?: unknown
}

/**
 * Shows the message stream of pull, load and import: one line a message on a pipe; on a terminal, one line a layer,
 * rewritten in place. An error message throws.
 */
export async function showProgress(source: AsyncIterable<Buffer>, target: Writable & { isTTY?: boolean; columns?: number }): Promise<void> {
  const rows = new Map<string, number>()
  for await (const value of jsonLines(source)) {
    const message = value as Message
    const failure = message.errorDetail?.message ?? message.error
    if (failure) throw new ExitError(failure)
    if (message.aux !== undefined) continue
    if (message.stream !== undefined) target.write(message.stream)
    else if (!target.isTTY) showPlain(message, target)
    else showOnTerminal(message, { target, rows })
  }
}

function showPlain(message: Message, target: Writable): void {
  const { current, total } = message.progressDetail ?? {}
  if (current || total || message.progress) return
  target.write(`${message.id ? `${message.id}: ` : ''}${message.status ?? ''}\n`)
}

function showOnTerminal(message: Message, screen: { target: Writable & { columns?: number }; rows: Map<string, number> }): void {
  const { target, rows } = screen
  if (!message.id) {
    target.write(`${message.status ?? ''}\n`)
    return
  }
  let row = rows.get(message.id)
  if (row === undefined) {
    row = rows.size
    rows.set(message.id, row)
    target.write('\n')
  }
  const up = rows.size - row
  const bar = progressBar(message.progressDetail, target.columns ?? 80)
  target.write(`\u001B[${up}A\u001B[2K\r${message.id}: ${message.status ?? ''} ${bar}\r\u001B[${up}B`)
}

function progressBar(detail: Message['progressDetail'], columns: number): string {
  const { current = 0, total = 0 } = detail ?? {}
  if (current <= 0) return ''
  const amount = humanSize(current, 3)
  if (total <= 0) return amount
  const filled = Math.min(50, Math.floor((current / total) * 50))
  const bar = columns > 110 ? `[${'='.repeat(filled)}>${' '.repeat(50 - filled)}] ` : ''
  return `${bar}${amount.padStart(8)}/${humanSize(total, 3)}`
}
