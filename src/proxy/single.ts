import { closeSync, writeSync } from 'node:fs'
import type { ForwardRule } from './rule.ts'
import { forwardTcp } from './tcp.ts'
import { forwardUdp } from './udp.ts'

const reportFd = 3
const listenFd = 4

/**
 * One rule, as docker-proxy: descriptor 3 gets "0\n" when it listens, "1\n" and the reason when it cannot;
 * with `useListenFd` descriptor 4 is the socket, made by the engine. Ends on SIGTERM and SIGINT.
 */
export async function runSingle(rule: ForwardRule, options: { useListenFd: boolean }): Promise<void> {
  const fd = options.useListenFd ? listenFd : undefined
  try {
    const forwarder = await (rule.protocol === 'udp' ? forwardUdp(rule, { listenFd: fd }) : forwardTcp(rule, fd))
    report('0\n')
    for (const signal of ['SIGTERM', 'SIGINT'] as const) {
      process.once(signal, () => {
        void forwarder.close().then(() => process.exit(0))
      })
    }
  } catch (error) {
    report(`1\n${error instanceof Error ? error.message : String(error)}`)
    process.exitCode = 1
  }
}

/** Also the multi mode reports so. */
export function report(text: string): void {
  try {
    writeSync(reportFd, text)
    closeSync(reportFd)
  } catch {
    process.stderr.write(text.startsWith('0') ? '' : `${text.slice(2)}\n`)
  }
}
