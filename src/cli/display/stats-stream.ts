import { isNotFound } from '../client/engine-error.ts'
import type { CliContext } from '../command.ts'
import { shortId } from '../format/human.ts'
import type { Row } from '../format/listing.ts'
import { statsRow, type ContainerStats } from '../format/stats-row.ts'
import { jsonLines } from './json-lines.ts'

/**
 * Rows of all running containers, the newest first, once a second by one stream, which ends when the engine goes or the last of them. undefined when the engine
 * has no such stream.
 */
export async function statsStream(context: CliContext, options: { truncate: boolean }): Promise<AsyncIterable<Row[]> | undefined> {
  try {
    const { body } = await context.client.open('GET', '/gantry/v1/stats', { unversioned: true, query: { stream: true } })
    return rowsOf(jsonLines(body), options)
  } catch (error) {
    if (isNotFound(error)) return undefined
    throw error
  }
}

async function* rowsOf(readings: AsyncIterable<unknown>, options: { truncate: boolean }): AsyncGenerator<Row[]> {
  try {
    for await (const reading of readings) {
      const { containers } = reading as { containers: ContainerStats[] }
      yield containers.toReversed().map((frame) => statsRow(shortId(frame.id), frame, options))
      if (containers.length === 0) return
    }
  } catch {
    // The engine that goes away ends the display without a word, as with docker.
  }
}
