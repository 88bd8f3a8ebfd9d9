import { isatty, ReadStream } from 'node:tty'
import { linuxKernel } from '../kernel/linux.ts'
import { makeRaw, windowSize, setWindowSize } from '../kernel/terminal-mode.ts'

export interface TerminalPump {
  /** When everything that the process wrote has been passed on. */
  drained: Promise<void>
  /** Gives the caller's terminal back as it was. */
  stop(): void
}

/** Ties the caller's stdin and stdout, a terminal or not, to the master of a process's terminal. */
export function pumpTerminal(master: number): TerminalPump {
  const far = new ReadStream(master)
  const drained = new Promise<void>((resolve) => {
    far.on('error', () => resolve()) // EIO: the last one who had the other side open is gone
    far.on('end', () => resolve())
    far.on('close', () => resolve())
  })
  far.on('data', (bytes) => {
    if (!process.stdout.write(bytes)) {
      far.pause()
      process.stdout.once('drain', () => far.resume())
    }
  })
  const restore = isatty(0) ? makeRaw(linuxKernel, 0) : undefined
  const resize = (): void => {
    const size = windowSize(linuxKernel, 1) ?? windowSize(linuxKernel, 0)
    if (size !== undefined) setWindowSize(linuxKernel, master, size)
  }
  if (isatty(0) || isatty(1)) {
    resize()
    process.on('SIGWINCH', resize)
  }
  process.stdin.on('data', (bytes) => far.write(bytes))
  // A terminal has no end of input: its user types one.
  process.stdin.on('end', () => far.write('\u0004'))
  process.stdin.on('error', () => {})
  return {
    drained,
    stop: () => {
      process.removeListener('SIGWINCH', resize)
      process.stdin.destroy()
      far.destroy()
      restore?.()
    },
  }
}
