import { closeSync } from 'node:fs'
import { signalNumbers } from '../kernel/constants/signals.ts'
import { forwardSignals, hasLauncher } from '../kernel/launcher.ts'
import { linuxKernel } from '../kernel/linux.ts'
import { takeDescriptor } from '../kernel/process-descriptor.ts'
import { waitForEnd, type ProgramRun } from '../kernel/program-run.ts'
import type { Program } from '../kernel/program.ts'
import type { TerminalPump } from './terminal-pump.ts'

export interface ForegroundProcess {
  program: Program
  run: ProgramRun
  /** This process has nothing else to do meanwhile; so unless told. */
  idle?: boolean
}

/** All that can be caught, except what is about this process: its children, its own terminal, a closed pipe, a profiler. */
export const forwarded = ['SIGHUP', 'SIGINT', 'SIGQUIT', 'SIGTERM', 'SIGUSR1', 'SIGUSR2', 'SIGALRM', 'SIGCONT', 'SIGTSTP', 'SIGTTIN', 'SIGTTOU'] as const

export const forwardedNumbers = forwarded.map((name) => signalNumbers[name])

/** Ties this process's signals and terminal to a process, which `start` may have to release, until it ends. @returns its exit code */
export async function runInForeground({ program, run, idle = true }: ForegroundProcess, start: () => Promise<void> = async () => {}): Promise<number> {
  if (hasLauncher()) forwardSignals(linuxKernel, run.pid, forwardedNumbers)
  else for (const signal of forwarded) process.on(signal, () => forward(run.pid, signal))
  let pump: TerminalPump | undefined
  try {
    if (run.terminal >= 0) {
      const { pumpTerminal } = await import('./terminal-pump.ts')
      pump = pumpTerminal(takeDescriptor(linuxKernel, run.outer, run.terminal))
    }
    await start()
    const code = await waitForEnd(run.status, program, idle && hasLauncher() && pump === undefined)
    await pump?.drained
    return code
  } finally {
    pump?.stop()
    closeSync(run.status)
    for (const signal of forwarded) process.removeAllListeners(signal)
  }
}

export function forward(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal)
  } catch {
    // gone already
  }
}
