import { spawn } from 'node:child_process'
import type { ToolResult } from './kernel.ts'

/** A host tool that does not exist gives code 127, as a shell would. */
export function runTool(argv: readonly string[], input?: string): Promise<ToolResult> {
  const [file = '', ...args] = argv
  return new Promise((resolve) => {
    const child = spawn(file, args, { stdio: [input === undefined ? 'ignore' : 'pipe', 'pipe', 'pipe'], env: { ...process.env, LC_ALL: 'C' } })
    const out: Buffer[] = []
    const err: Buffer[] = []
    child.stdout?.on('data', (chunk: Buffer) => out.push(chunk))
    child.stderr?.on('data', (chunk: Buffer) => err.push(chunk))
    child.on('error', (error) => resolve({ code: 127, stdout: '', stderr: `${file}: ${error.message}` }))
    child.on('close', (code) => resolve({ code: code ?? 255, stdout: Buffer.concat(out).toString(), stderr: Buffer.concat(err).toString() }))
    child.stdin?.on('error', () => {}) // a tool that ends early shows it by its code
    child.stdin?.end(input)
  })
}
