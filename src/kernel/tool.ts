import { spawn } from 'node:child_process'
import type { ToolOptions, ToolResult } from './kernel.ts'

/** A host tool that does not exist gives code 127, as a shell would. */
export function runTool(argv: readonly string[], input?: string, options: ToolOptions = {}): Promise<ToolResult> {
  const [file = '', ...args] = argv
  return new Promise((resolve) => {
    const child = spawn(file, args, { stdio: [input === undefined ? 'ignore' : 'pipe', 'pipe', 'pipe'], env: options.env ?? { ...process.env, LC_ALL: 'C' }, ...(options.argv0 === undefined ? {} : { argv0: options.argv0 }) })
    let timedOut = false
    const expire = (): void => {
      timedOut = child.kill('SIGKILL')
    }
    const abort = (): void => void child.kill('SIGKILL')
    options.signal?.addEventListener('abort', abort, { once: true })
    if (options.signal?.aborted) abort()
    const timer = options.timeout === undefined ? undefined : setTimeout(expire, options.timeout)
    const out: Buffer[] = []
    const err: Buffer[] = []
    child.stdout?.on('data', (chunk: Buffer) => out.push(chunk))
    child.stderr?.on('data', (chunk: Buffer) => err.push(chunk))
    child.on('error', (error) => resolve({ code: 127, stdout: '', stderr: `${file}: ${error.message}` }))
    child.on('close', (code) => {
      clearTimeout(timer)
      options.signal?.removeEventListener('abort', abort)
      resolve({ code: code ?? 255, stdout: Buffer.concat(out).toString(), stderr: Buffer.concat(err).toString(), ...(timedOut ? { timedOut } : {}) })
    })
    child.stdin?.on('error', () => {}) // a tool that ends early shows it by its code
    child.stdin?.end(input)
  })
}
