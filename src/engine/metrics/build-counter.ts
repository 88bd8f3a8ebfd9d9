import { kindOf, messageOf } from '../../lib/errors.ts'
import type { Metric } from './metric-text.ts'

/** dockerd's reasons, all of which are always shown; the first that fits counts. */
const reasons = {
  build_canceled: /\bcancel/i,
  build_target_not_reachable_error: /target stage .* could not be found/,
  command_not_supported_error: /not supported|not implemented/,
  dockerfile_empty_error: /cannot be empty|no build stage/,
  missing_onbuild_arguments_error: /ONBUILD/,
  unknown_instruction_error: /unknown instruction/,
  dockerfile_syntax_error: /parse error|syntax error|unknown flag/,
  error_processing_commands_error: /(?:)/,
} as const

export type Reason = keyof typeof reasons

export class BuildCounter {
  #triggered = 0
  readonly #failed = new Map<Reason, number>()

  /** Counts a build, and its failure: that it rejects, or what it calls `fail` with. */
  async count<Result>(build: (fail: (reason: Reason) => void) => Promise<Result>, signal: AbortSignal): Promise<Result> {
    this.#triggered++
    const fail = (reason: Reason): void => void this.#failed.set(reason, (this.#failed.get(reason) ?? 0) + 1)
    try {
      return await build(fail)
    } catch (error) {
      fail(signal.aborted ? 'build_canceled' : reasonOf(error))
      throw error
    }
  }

  metrics(): Metric[] {
    const samples = (Object.keys(reasons) as Reason[]).toSorted().map((reason) => ({ labels: { reason }, value: this.#failed.get(reason) ?? 0 }))
    return [
      { name: 'builder_builds_failed_total', help: 'Number of failed image builds', type: 'counter', samples },
      { name: 'builder_builds_triggered_total', help: 'Number of triggered image builds', type: 'counter', samples: [{ value: this.#triggered }] },
    ]
  }
}

/** A step that fails is no fault of the file, whatever it prints. */
function reasonOf(error: unknown): Reason {
  if (kindOf(error) === 'System') return 'error_processing_commands_error'
  const text = messageOf(error)
  return (Object.keys(reasons) as Reason[]).find((reason) => reasons[reason].test(text)) ?? 'error_processing_commands_error'
}
