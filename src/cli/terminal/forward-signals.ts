import type { CliContext } from '../command.ts'

const forwarded: NodeJS.Signals[] = ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGQUIT', 'SIGUSR1', 'SIGUSR2', 'SIGIO', 'SIGPWR', 'SIGXCPU', 'SIGXFSZ']

/** Sends the signals this process gets on to the container; answers the function that stops it. */
export function forwardSignals(context: CliContext, container: string): () => void {
  const forward = (name: NodeJS.Signals) => {
    context.client.text('POST', `/containers/${container}/kill`, { query: { signal: name.slice(3) } }).catch(() => {})
  }
  for (const name of forwarded) process.on(name, forward)
  return () => {
    for (const name of forwarded) process.off(name, forward)
  }
}
