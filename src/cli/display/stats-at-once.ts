import { setTimeout as sleep } from 'node:timers/promises'
import { isNotFound } from '../client/engine-error.ts'
import type { CliContext } from '../command.ts'
import { shortId } from '../format/human.ts'
import type { Row } from '../format/listing.ts'
import { statsRow, type ContainerStats } from '../format/stats-row.ts'

/** Between two readings, of which the second tells shares of the CPU. */
const betweenMilliseconds = 300

/**
 * Rows of running containers by two calls for all of them together; of `names`, or of those that `list` has. undefined when the engine has
 * no such call, or a name is not of a running container: they have to be asked one by one.
 */
export async function statsAtOnce(context: CliContext, options: { names: string[]; list: () => Promise<string[]>; truncate: boolean }): Promise<Row[] | undefined> {
  const read = () => context.client.json<{ containers: ContainerStats[] }>('GET', '/gantry/v1/stats', { unversioned: true })
  try {
    await read()
  } catch (error) {
    if (isNotFound(error)) return undefined
    throw error
  }
  await sleep(betweenMilliseconds)
  const { containers } = await read()
  const chosen = (options.names.length > 0 ? options.names : await options.list()).map((name) => ({ name, frames: containers.filter((frame) => isCalled(frame, name)) }))
  if (options.names.length > 0 && chosen.some(({ frames }) => frames.length !== 1)) return undefined
  return chosen.flatMap(({ name, frames: [frame] }) => (frame === undefined ? [] : [statsRow(options.names.length > 0 ? name : shortId(frame.id), frame, options)]))
}

function isCalled({ id, name }: ContainerStats, ref: string): boolean {
  return name === `/${ref.replace(/^\//, '')}` || (/^[\da-f]+$/.test(ref) && id.startsWith(ref))
}
