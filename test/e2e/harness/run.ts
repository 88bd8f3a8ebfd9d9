import { spawn } from 'node:child_process'

/** What a program left: `code` is 128 + n after signal n. */
export interface Finished {
  code: number
  stdout: string
  stderr: string
}

export interface RunOptions {
  input?: string | Buffer
  env?: NodeJS.ProcessEnv
  /** Milliseconds; a program that takes longer is killed and the call fails. */
  timeout?: number
}

const signals: Record<string, number> = { SIGHUP: 1, SIGINT: 2, SIGKILL: 9, SIGTERM: 15 }

/** Runs a program to its end. Only a program that cannot be started or does not end is an error. */
export function run(command: string[], options: RunOptions = {}): Promise<Finished> {
  const [file = '', ...args] = command
  const timeout = options.timeout ?? 90_000
  return new Promise((resolve, reject) => {
    const child = spawn(file, args, { env: options.env ?? process.env, stdio: ['pipe', 'pipe', 'pipe'] })
    const out: Buffer[] = []
    const err: Buffer[] = []
    let late = false
    const timer = setTimeout(() => {
      late = true
      child.kill('SIGKILL')
    }, timeout)
    child.stdout.on('data', (chunk: Buffer) => out.push(chunk))
    child.stderr.on('data', (chunk: Buffer) => err.push(chunk))
    child.stdin.on('error', () => {})
    child.stdin.end(options.input)
    child.on('error', (cause) => {
      clearTimeout(timer)
      reject(new Error(`cannot run ${command.join(' ')}: ${cause.message}`, { cause }))
    })
    child.on('close', (code, signal) => {
      clearTimeout(timer)
      const stdout = Buffer.concat(out).toString()
      const stderr = Buffer.concat(err).toString()
      if (late) reject(new Error(`${command.join(' ')} did not end within ${timeout} ms\n${stdout.slice(-2000)}\n${stderr.slice(-2000)}`))
      else resolve({ code: code ?? 128 + (signals[signal ?? ''] ?? 0), stdout, stderr })
    })
  })
}

/** As `run`, for what has to succeed; answers its trimmed output. */
export async function must(command: string[], options: RunOptions = {}): Promise<string> {
  const { code, stdout, stderr } = await run(command, options)
  if (code !== 0) throw new Error(`${command.join(' ')} ended with ${code}: ${stderr.trim() || stdout.trim()}`)
  return stdout.trim()
}
