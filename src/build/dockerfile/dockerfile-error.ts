import { GantryError } from '../../lib/errors.ts'

/** Something is wrong with a Dockerfile, at a line of it (1-based; 0: with the file as a whole). */
export class DockerfileError extends GantryError {
  readonly line: number
  /** Without the place. */
  readonly reason: string

  constructor(reason: string, line: number, options?: ErrorOptions) {
    super('InvalidParameter', line > 0 ? `dockerfile parse error on line ${line}: ${reason}` : reason, options)
    this.line = line
    this.reason = reason
  }
}
