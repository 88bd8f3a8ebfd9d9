import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Client } from './client.ts'
import type { Engine } from './engine.ts'
import { eventually } from './eventually.ts'
import { must, run } from './run.ts'

/** A real terminal with a shell in it, in which `$D` is the client. tmux holds it. */
export interface Terminal extends AsyncDisposable {
  /** Types a line and Enter. */
  type(line: string): Promise<void>
  /** Presses keys by tmux's names: C-c, C-p, Enter. */
  press(...keys: string[]): Promise<void>
  /** Waits until the screen shows it. */
  shows(pattern: RegExp, timeout?: number): Promise<void>
  resize(size: { columns: number; rows: number }): Promise<void>
}

export async function openTerminal(stage: Client & { engine: Engine }, size = { columns: 80, rows: 24 }): Promise<Terminal> {
  const socket = path.join(stage.engine.directory, `tmux-${randomBytes(3).toString('hex')}`)
  const tmux = (...args: string[]) => ['tmux', '-S', socket, '-f', '/dev/null', ...args]
  const env = { ...stage.env, D: stage.program, PS1: '$ ', TERM: 'xterm-256color' }
  const shell = ['new-session', '-d', '-x', String(size.columns), '-y', String(size.rows), '/bin/sh']
  await must(tmux(...shell), { env })
  // The status line would take a row.
  await must(tmux('set-option', '-g', 'status', 'off'))
  const screen = async () => (await must(tmux('capture-pane', '-p', '-S', '-200'))).trimEnd()
  const terminal: Terminal = {
    async type(line) {
      await must(tmux('send-keys', '-l', line))
      await must(tmux('send-keys', 'Enter'))
      // A program that ends must not find the next line in its own input.
      await sleep(300)
    },
    async press(...keys) {
      for (const key of keys) await must(tmux('send-keys', key))
      await sleep(200)
    },
    shows: (pattern, timeout = 10_000) => eventually(async () => assert.match(await screen(), pattern), timeout),
    async resize({ columns, rows }) {
      await must(tmux('resize-window', '-x', String(columns), '-y', String(rows)))
    },
    async [Symbol.asyncDispose]() {
      await run(tmux('kill-server'))
    },
  }
  await terminal.shows(/[$#]/)
  return terminal
}
