import { constants } from 'node:os'
import type { Duplex } from 'node:stream'
import type { Monitor } from '../shim/monitor.ts'

const forwarded = ['SIGHUP', 'SIGINT', 'SIGQUIT', 'SIGTERM', 'SIGUSR1', 'SIGUSR2'] as const

/** Ties this process's stdio and signals to a process that `start` releases, until it ends. @returns its exit code */
export async function runInForeground(monitor: Monitor, terminal: boolean, start: () => Promise<void>): Promise<number> {
  const stream = await monitor.attach({ stdin: true, stdout: true, stderr: true, closeStdin: true })
  const drained = terminal ? copyRaw(stream) : copyFrames(stream)
  drained.catch(() => {}) // when the start fails nobody waits for it
  stream.on('error', () => {}) // the monitor has gone: the exit status tells why
  for (const signal of forwarded) process.on(signal, () => void monitor.signal(constants.signals[signal]).catch(() => {})) // gone already
  const raw = terminal && process.stdin.isTTY
  try {
    if (raw) {
      process.stdin.setRawMode(true)
      const resize = (): void => void monitor.resize({ width: process.stdout.columns, height: process.stdout.rows }).catch(() => {}) // gone already
      process.stdout.on('resize', resize)
      resize()
    }
    await start()
    process.stdin.pipe(stream)
    const { code } = await monitor.wait()
    await drained
    return code
  } finally {
    if (raw) process.stdin.setRawMode(false)
    process.stdin.unpipe(stream)
    process.stdin.destroy()
    stream.destroy()
    monitor.close()
    for (const signal of forwarded) process.removeAllListeners(signal)
  }
}

async function copyRaw(stream: Duplex): Promise<void> {
  for await (const chunk of stream) process.stdout.write(chunk as Buffer)
}

/** Frames of eight bytes of header (stream, 0, 0, 0, length) and data. */
async function copyFrames(stream: Duplex): Promise<void> {
  let pending: Buffer = Buffer.alloc(0)
  for await (const chunk of stream) {
    pending = Buffer.concat([pending, chunk as Buffer])
    while (pending.length >= 8 && pending.length >= 8 + pending.readUInt32BE(4)) {
      const end = 8 + pending.readUInt32BE(4)
      const output = pending[0] === 2 ? process.stderr : process.stdout
      output.write(pending.subarray(8, end))
      pending = pending.subarray(end)
    }
  }
}
