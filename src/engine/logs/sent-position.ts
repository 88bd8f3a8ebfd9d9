import { closeSync, constants, openSync, readFileSync, writeSync } from 'node:fs'
import type { LogPosition } from './log-cursor.ts'

const width = 96

/** How far a log has been sent, kept in a file: written after every sending, so that a kill repeats at most one. */
export class SentPosition {
  readonly #fd: number

  constructor(path: string) {
    this.#fd = openSync(path, constants.O_RDWR | constants.O_CREAT, 0o600)
  }

  write({ id, offset }: LogPosition): void {
    writeSync(this.#fd, `${`${id} ${offset}`.padEnd(width)}\n`, 0)
  }

  close(): void {
    closeSync(this.#fd)
  }
}

/** Undefined when nothing has been sent. */
export function readPosition(path: string): LogPosition | undefined {
  try {
    const [id, offset] = readFileSync(path, 'latin1').trim().split(' ')
    return id && offset ? { id, offset: Number(offset) } : undefined
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
}
