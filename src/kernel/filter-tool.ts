import { spawn } from 'node:child_process'
import type { Readable } from 'node:stream'

/** A filter that could not be started, or ended with an error. */
export class FilterFailure extends Error {
  override readonly name = 'FilterFailure'
  /** The tool is not on this host. */
  readonly missing: boolean

  constructor(message: string, missing: boolean) {
    super(message)
    this.missing = missing
  }
}

/**
 * What a host tool writes to its standard output while it reads a stream. It is killed when nobody wants the rest.
 * @throws FilterFailure after what it did write
 */
export async function* throughTool(argv: readonly string[], input: Readable): AsyncGenerator<Uint8Array, void, undefined> {
  const [file = '', ...args] = argv
  const child = spawn(file, args, { stdio: ['pipe', 'pipe', 'pipe'], env: { PATH: process.env['PATH'] ?? '', LC_ALL: 'C' } })
  let complaint = ''
  child.stderr.on('data', (chunk: Buffer) => (complaint = (complaint + chunk.toString()).slice(0, 1000)))
  const ended = new Promise<FilterFailure | undefined>((resolve) => {
    child.on('error', (error: NodeJS.ErrnoException) => resolve(new FilterFailure(error.message, error.code === 'ENOENT')))
    child.on('close', (code) => resolve(code === 0 ? undefined : new FilterFailure(complaint.trim() || `${file} ended with ${code}`, false)))
  })
  // A tool that ends early shows it by its code; a source that breaks is thrown here.
  let broken: { cause: unknown } | undefined
  child.stdin.on('error', () => {})
  input.on('error', (cause) => {
    broken = { cause }
    child.kill('SIGKILL')
  })
  input.pipe(child.stdin)
  try {
    for await (const chunk of child.stdout) yield chunk as Buffer
    const failure = await ended
    if (broken !== undefined) throw broken.cause
    if (failure !== undefined) throw failure
  } finally {
    child.kill('SIGKILL')
    input.destroy()
  }
}
