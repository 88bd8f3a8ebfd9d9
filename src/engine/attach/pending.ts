import type { Task } from '../../containerd/tasks/contract.ts'
import type { Container } from '../containers/container.ts'

/** Connects the sessions that came before the start, so that they see the first byte. */
export async function connectPending(container: Container, task: Task): Promise<void> {
  const waiting = [...container.pendingAttaches]
  container.pendingAttaches.clear()
  const { closeStdin } = inputRules(container)
  await Promise.all(
    waiting.map(async ({ session, stdin, stdout, stderr }) => {
      if (!session.destroyed) session.connect(await task.attach({ stdin, stdout, stderr, closeStdin: stdin && closeStdin }))
    }),
  )
}

/** The start they wait for will not come. */
export function endPending(container: Container): void {
  for (const { session } of container.pendingAttaches) session.finish()
  container.pendingAttaches.clear()
}

/** StdinOnce: the first client that ends its input ends the process's. A terminal has no end of input. */
export function inputRules({ config }: Pick<Container, 'config'>): { closeStdin: boolean } {
  return { closeStdin: (config.StdinOnce ?? false) && !(config.Tty ?? false) }
}
