import { createInterface } from 'node:readline'
import type { Qemu } from './qemu.ts'

/** What a script in the guest left: `code` is 128 + n after signal n. */
export interface Finished {
  code: number
  stdout: string
  stderr: string
}

/** The tests' side of guest/agent.ts. */
export interface Agent {
  /** Settles with systemd's state when the guest has booted; never, on a machine that goes on from a saved state. */
  readonly ready: Promise<string>
  /** Runs a bash script as root. Any number may run at a time. @throws Error when it takes longer, or the machine ends */
  run(script: string, timeout: number): Promise<Finished>
}

export function talkToAgent(qemu: Qemu): Agent {
  const ready = Promise.withResolvers<string>()
  const waiting = new Map<number, PromiseWithResolvers<Finished>>()
  const lines = createInterface(qemu.process.stdout).on('line', (line) => {
    const message = JSON.parse(line)
    if (message.ready !== undefined) ready.resolve(message.ready)
    else waiting.get(message.id)?.resolve(message)
  })
  // The end of qemu resets the pipe; its exit is what is reported.
  lines.on('error', () => {})
  qemu.process.on('exit', () => {
    const error = new Error(`the virtual machine ended: ${qemu.lastWords()}`)
    ready.reject(error)
    for (const { reject } of waiting.values()) reject(error)
  })
  // Only those who wait for it want to hear of it.
  ready.promise.catch(() => {})
  let last = 0
  return {
    ready: ready.promise,
    async run(script, timeout) {
      const id = ++last
      const answer = Promise.withResolvers<Finished>()
      waiting.set(id, answer)
      qemu.process.stdin.write(`${JSON.stringify({ id, script })}\n`)
      const timer = setTimeout(() => answer.reject(new Error(`not finished after ${timeout} ms in the machine: ${script}\n${qemu.lastWords()}`)), timeout)
      try {
        return await answer.promise
      } finally {
        clearTimeout(timer)
        waiting.delete(id)
      }
    },
  }
}
