import type { CliContext } from '../command.ts'
import type { Hijacked } from '../client/engine-client.ts'
import { DetachWatch, parseDetachKeys, defaultDetachKeys } from './detach-keys.ts'
import { copyRaw, demultiplex } from './stdcopy.ts'

export type SessionOptions = {
  tty: boolean
  stdin: boolean
  stdout: boolean
  stderr: boolean
  detachKeys?: string
}

/**
 * Joins the user's streams to a hijacked connection until the engine closes its half ("ended") or the user types the
 * detach keys ("detached"). The terminal is raw meanwhile when the container has one.
 */
export async function runSession(context: CliContext, hijacked: Hijacked, options: SessionOptions): Promise<'ended' | 'detached'> {
  const { socket, head } = hijacked
  const stdout = options.stdout ? context.stdout : undefined
  const stderr = options.stderr ? context.stderr : undefined
  const restore = options.stdin && options.tty ? enterRawMode(context) : undefined
  let stopInput: (() => void) | undefined
  try {
    const output = (options.tty ? copyRaw(socket, stdout, head) : demultiplex(socket, { stdout, stderr, head })).then(() => 'ended' as const)
    if (!options.stdin) {
      socket.end()
      return await output
    }
    const detached = new Promise<'detached'>((resolve) => {
      const keys = options.tty ? parseDetachKeys(options.detachKeys || defaultDetachKeys) : undefined
      stopInput = pumpInput(context, hijacked, { keys, onDetach: () => resolve('detached') })
    })
    const result = await Promise.race([output, detached])
    if (result === 'detached') {
      output.catch(() => {})
      socket.destroy()
    }
    return result
  } finally {
    stopInput?.()
    restore?.()
  }
}

function pumpInput(
  context: CliContext,
  { socket }: Hijacked,
  options: { keys: number[] | undefined; onDetach: () => void },
): () => void {
  const { stdin } = context
  const watch = options.keys && new DetachWatch(options.keys)
  const onData = (chunk: Buffer) => {
    const { pass, detached } = watch ? watch.feed(chunk) : { pass: chunk, detached: false }
    if (pass.length > 0 && !socket.destroyed && !socket.write(pass)) {
      stdin.pause()
      socket.once('drain', () => stdin.resume())
    }
    if (detached) options.onDetach()
  }
  const onEnd = () => socket.end()
  // A container that has gone while input is still coming is seen by the output side.
  socket.on('error', () => {})
  stdin.on('data', onData)
  stdin.once('end', onEnd)
  stdin.once('error', onEnd)
  return () => {
    stdin.off('data', onData)
    stdin.off('end', onEnd)
    stdin.off('error', onEnd)
    stdin.pause()
  }
}

/** Raw mode on the user's terminal; answers the function that undoes it. */
function enterRawMode({ stdin }: CliContext): () => void {
  if (!stdin.isTTY) return () => {}
  stdin.setRawMode(true)
  return () => {
    stdin.setRawMode(false)
  }
}
