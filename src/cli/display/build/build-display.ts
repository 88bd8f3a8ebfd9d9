import type { Writable } from 'node:stream'
import type { StatusResponse } from '../../../lib/buildkit/control-messages.ts'
import type { BuildModel } from './build-model.ts'
import { plainDisplay } from './plain-display.ts'
import { rawJsonDisplay } from './raw-json-display.ts'
import { terminalDisplay } from './terminal-display.ts'

/** Shows a build while it goes on. */
export interface BuildDisplay {
  update(status: StatusResponse): void
  /** Shows the rest. */
  end(failed: boolean): void
  /** Leaves the terminal to somebody else, until the answered function is called. */
  pause?(): () => void
}

export type ProgressKind = 'plain' | 'tty' | 'quiet' | 'rawjson'

export interface DisplayTarget {
  out: Writable & { isTTY?: boolean; columns?: number; rows?: number }
  model: BuildModel
}

export function buildDisplay(kind: ProgressKind, target: DisplayTarget): BuildDisplay {
  if (kind === 'plain') return plainDisplay(target)
  if (kind === 'tty') return terminalDisplay(target)
  if (kind === 'rawjson') return rawJsonDisplay(target)
  return { update: (status) => void target.model.update(status), end: () => {} }
}
