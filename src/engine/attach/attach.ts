import { pipeline } from 'node:stream/promises'
import { Writable } from 'node:stream'
import { GantryError } from '../../lib/errors.ts'
import { emitContainerEvent } from '../containers/container-events.ts'
import type { Container } from '../containers/container.ts'
import type { ContainersContext } from '../containers/context.ts'
import type { AttachContainer, AttachSession } from '../engine.ts'
import { readableLog } from '../logs/log-plan.ts'
import { readLog } from '../logs/read-log.ts'
import { parseDetachKeys } from './detach-keys.ts'
import { inputRules } from './pending.ts'
import { SessionStream } from './session-stream.ts'

/**
 * Opens a session with a container's stdio. A container that does not run yet gets it connected at its next start.
 * Detach keys count only for a terminal, as in Docker.
 */
export async function attachContainer(ctx: ContainersContext, container: Container, options: AttachContainer & { ref: string }): Promise<AttachSession> {
  const detachKeys = parseDetachKeys(options.detachKeys)
  if (container.state.Paused) throw new GantryError('Conflict', `container ${options.ref} is paused, unpause the container before attach`)
  if (container.state.Restarting) throw new GantryError('Conflict', `container ${options.ref} is restarting, wait until the container is running`)
  const tty = container.config.Tty ?? false
  const stdin = options.stdin && (container.config.OpenStdin ?? false)
  const session = new SessionStream({
    stdin: stdin && options.stream,
    detachKeys: tty && stdin ? detachKeys : undefined,
    onDetach: () => emitContainerEvent(ctx, container, 'detach'),
  })
  if (options.logs) await replay(ctx, container, { session, stdout: options.stdout, stderr: options.stderr })
  if (options.stream) await container.lock.run(() => connect(container, { session, options: { ...options, stdin } }))
  else session.finish()
  emitContainerEvent(ctx, container, 'attach')
  return { tty, stream: session }
}

async function connect(container: Container, { session, options }: { session: SessionStream; options: AttachContainer }): Promise<void> {
  const { stdin, stdout, stderr } = options
  if (container.removed) session.finish()
  else if (container.task !== undefined) session.connect(await container.task.attach({ stdin, stdout, stderr, closeStdin: stdin && inputRules(container).closeStdin }))
  else {
    const pending = { session, stdin, stdout, stderr }
    container.pendingAttaches.add(pending)
    session.once('close', () => container.pendingAttaches.delete(pending))
  }
}

/** What was logged so far, ahead of the live output. */
async function replay(ctx: ContainersContext, container: Container, options: { session: SessionStream; stdout: boolean; stderr: boolean }): Promise<void> {
  const source = readableLog(container, ctx.store.paths(container.id))
  if (source === undefined) return
  const log = readLog({ ...source, stdout: options.stdout, stderr: options.stderr, tty: container.config.Tty ?? false, timestamps: false })
  const sink = new Writable({
    write(chunk: Buffer, _encoding, done) {
      options.session.push(chunk)
      done()
    },
  })
  await pipeline(log, sink)
}
