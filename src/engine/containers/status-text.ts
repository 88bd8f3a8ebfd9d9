import { healthText } from '../health/health-state.ts'
import type { RecordedState } from './container.ts'
import { humanDuration } from './duration.ts'
import { never } from './timestamp.ts'

/** The STATUS column of `docker ps`. `at`: milliseconds since the epoch. */
export function statusText(state: RecordedState, at: number): string {
  const since = (time: string): string => humanDuration(at - Date.parse(time))
  if (state.Running) {
    if (state.Paused) return `Up ${since(state.StartedAt)} (Paused)`
    if (state.Restarting) return `Restarting (${state.ExitCode}) ${since(state.FinishedAt)} ago`
    return `Up ${since(state.StartedAt)}${healthText(state.Health)}`
  }
  if (state.RemovalInProgress) return 'Removal In Progress'
  if (state.Dead) return 'Dead'
  if (state.StartedAt === never) return 'Created'
  return state.FinishedAt === never ? '' : `Exited (${state.ExitCode}) ${since(state.FinishedAt)} ago`
}
