import { errnoName, errnoText } from './errno.ts'

/** A system call failed. `errno` is positive. */
export class KernelError extends Error {
  readonly errno: number
  readonly code: string

  constructor(act: string, errno: number) {
    super(`${act}: ${errnoText(errno)}`)
    this.name = 'KernelError'
    this.errno = errno
    this.code = errnoName(errno)
  }
}

/** An operation of a program failed: `label` says what it was for. */
export class ProgramFailure extends KernelError {
  readonly label: string

  constructor(label: string, errno: number) {
    super(label, errno)
    this.name = 'ProgramFailure'
    this.label = label
  }
}
