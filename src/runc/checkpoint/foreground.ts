import { setTimeout as sleep } from 'node:timers/promises'
import { KernelError } from '../../kernel/failure.ts'
import { forwardSignals, hasLauncher } from '../../kernel/launcher.ts'
import { linuxKernel } from '../../kernel/linux.ts'
import { exitCode } from '../../kernel/status-records.ts'
import { nr } from '../../kernel/syscalls.ts'
import { forward, forwarded, forwardedNumbers } from '../foreground.ts'

const P_PID = 1
const WEXITED = 4
const WNOHANG = 1
const siginfoSize = 128
const pollInterval = 20

/** Ties this process's signals, and a terminal's master, to a child until that ends. @returns its exit code */
export async function waitForRestored(pid: number, terminal: number | undefined): Promise<number> {
  if (hasLauncher()) forwardSignals(linuxKernel, pid, forwardedNumbers)
  else for (const signal of forwarded) process.on(signal, () => forward(pid, signal))
  const pump = terminal === undefined ? undefined : (await import('../terminal-pump.ts')).pumpTerminal(terminal)
  try {
    const code = await ended(pid)
    await pump?.drained
    return code
  } finally {
    pump?.stop()
    for (const signal of forwarded) process.removeAllListeners(signal)
  }
}

/** A child that Node knows nothing of: it is not told when that ends. */
async function ended(pid: number): Promise<number> {
  const siginfo = Buffer.alloc(siginfoSize)
  for (;;) {
    const result = linuxKernel.syscall(nr('waitid'), P_PID, pid, siginfo, WEXITED | WNOHANG, null)
    if (result < 0) throw new KernelError('cannot wait for the restored process', -result)
    if (siginfo.readInt32LE(0) !== 0) return exitCode(siginfo)
    await sleep(pollInterval)
  }
}
