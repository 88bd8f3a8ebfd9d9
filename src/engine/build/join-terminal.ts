import type { Duplex } from 'node:stream'
import type { DebugTerminal } from '../../build/contract.ts'

/** Carries a client's terminal to a process's and back. Settles when either has hung up. */
export async function joinTerminal({ events, output }: DebugTerminal, { session, resize }: { session: Duplex; resize: (size: { width: number; height: number }) => Promise<void> }): Promise<void> {
  const shown = (async () => {
    for await (const chunk of session as AsyncIterable<Buffer>) await output(chunk)
  })()
  const typed = (async () => {
    for await (const { input, width, height } of events) {
      if (width > 0 && height > 0) await resize({ width, height })
      if (input.length > 0) session.write(input)
    }
  })()
  for (const each of [shown, typed]) each.catch(() => undefined)
  await Promise.race([shown, typed]).catch(() => undefined)
}
