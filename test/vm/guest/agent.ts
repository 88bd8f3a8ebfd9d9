import { execFileSync, spawn } from 'node:child_process'
import { openSync, read, writeSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'

/**
 * Runs inside the machine. Speaks JSON lines on a virtio port:
 *   agent:  {"ready": "running"}                              once, with systemd's word for its state, when nothing starts any more
 *   tests:  {"id": 1, "script": "uname -r"}                   for bash; any number at a time
 *   agent:  {"id": 1, "code": 0, "stdout": "…", "stderr": "…"}   code is 128 + n after signal n
 */
const port = openSync('/dev/virtio-ports/agent', 'r+')
const readPort = promisify(read)

/** Written whole: lines of answers that end together must not mix. */
function send(message: object): void {
  let rest = Buffer.from(`${JSON.stringify(message)}\n`)
  while (rest.length > 0) rest = rest.subarray(writeSync(port, rest))
}

function execute({ id, script }: { id: number; script: string }): void {
  const child = spawn('/bin/bash', ['-c', script], { stdio: ['ignore', 'pipe', 'pipe'], cwd: '/root', env: { ...process.env, HOME: '/root' } })
  const output = { stdout: '', stderr: '' }
  for (const name of ['stdout', 'stderr'] as const) child[name].setEncoding('utf8').on('data', (chunk: string) => (output[name] += chunk))
  child.on('error', (error) => send({ id, code: 127, stdout: '', stderr: String(error) }))
  child.on('close', (code, signal) => send({ id, code: code ?? 128 + (signal === 'SIGKILL' ? 9 : 15), ...output }))
}

async function whenBooted(): Promise<string> {
  for (;;) {
    // The exit code tells "degraded" and "starting" as well, in another way.
    const state = execFileSync('/bin/sh', ['-c', 'systemctl is-system-running || true'], { encoding: 'utf8' }).trim()
    if (state === 'running' || state === 'degraded') return state
    await sleep(250)
  }
}

send({ ready: await whenBooted() })
let text = ''
const decoder = new TextDecoder()
const buffer = Buffer.alloc(65_536)
for (;;) {
  const { bytesRead } = await readPort(port, buffer, 0, buffer.length, null)
  text += decoder.decode(buffer.subarray(0, bytesRead), { stream: true })
  // Nobody at the other end yet.
  if (bytesRead === 0) await sleep(200)
  const lines = text.split('\n')
  text = lines.pop() ?? ''
  for (const line of lines) execute(JSON.parse(line))
}
