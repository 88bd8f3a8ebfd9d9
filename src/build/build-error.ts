import { GantryError } from '../lib/errors.ts'
import type { Step } from './plan/contract.ts'

/** A step failed. Its message is BuildKit's. */
export class BuildError extends GantryError {
  readonly step: Step
  /** Of a RUN whose process ended with it; undefined: it could not be run. */
  readonly status: number | undefined

  constructor(message: string, step: Step, { status, cause }: { status?: number; cause?: unknown } = {}) {
    super(cause instanceof GantryError ? cause.kind : status === undefined ? 'System' : 'InvalidParameter', message, { cause, ...(status !== undefined && status > 0 && { exitCode: status }) })
    this.step = step
    this.status = status
  }
}
