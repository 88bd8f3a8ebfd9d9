import { spawn } from 'node:child_process'
import { once } from 'node:events'
import path from 'node:path'
import { createInterface } from 'node:readline'
import { eventually } from './eventually.ts'
import type { NetworkHost } from './network-host.ts'

export interface LogReceiver extends AsyncDisposable {
  /** Each datagram, or what came by each connection so far. */
  parts(): Buffer[]
  text(): string
}

/** A log server beside the engine. */
export async function receiveLogs(host: NetworkHost, kind: 'udp' | 'tcp', port: number): Promise<LogReceiver> {
  const program = path.join(import.meta.dirname, 'log-receiver.ts')
  const [file = 'nsenter', ...enter] = host.enter
  const child = spawn(file, [...enter, process.execPath, '--disable-warning=ExperimentalWarning', program, kind, String(port)], { stdio: ['pipe', 'pipe', 'inherit'] })
  const parts = new Map<number, Buffer[]>()
  const joined = (): Buffer[] => [...parts.values()].map((pieces) => Buffer.concat(pieces))
  let ready = false
  createInterface({ input: child.stdout }).on('line', (line) => {
    if (ready) {
      const [connection, text] = JSON.parse(line) as [number, string]
      parts.set(connection, [...(parts.get(connection) ?? []), Buffer.from(text, 'latin1')])
    }
    ready = true
  })
  await eventually(() => {
    if (!ready) throw new Error('the receiver of logs does not start')
  })
  return {
    parts: joined,
    text: () => Buffer.concat(joined()).toString(),
    async [Symbol.asyncDispose]() {
      if (child.exitCode !== null) return
      child.stdin.end()
      await once(child, 'exit')
    },
  }
}
