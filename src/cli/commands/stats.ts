import { setTimeout as sleep } from 'node:timers/promises'
import type { CliContext, Command } from '../command.ts'
import { jsonLines } from '../display/json-lines.ts'
import { statsAtOnce } from '../display/stats-at-once.ts'
import { StatsBoard } from '../display/stats-board.ts'
import { statsStream } from '../display/stats-stream.ts'
import { ExitError } from '../exit-error.ts'
import { shortId } from '../format/human.ts'
import { renderList } from '../format/listing.ts'
import { statsListing } from '../format/stats-row.ts'
import { listFormatFlag, noTruncFlag } from '../grammar/common-flags.ts'

const redrawMilliseconds = 500
const cursorHome = '\u001B[H'
const eraseLine = '\u001B[K'
const eraseBelow = '\u001B[J'

export const statsCommand: Command = {
  path: 'stats',
  usage: ['[CONTAINER...]'],
  summary: 'Show what containers use, as it changes',
  aliases: ['container stats', 'stats'],
  flags: [
    { name: 'all', short: 'a', kind: 'boolean', help: 'Show containers in every state, not only running ones' },
    listFormatFlag,
    { name: 'no-stream', kind: 'boolean', help: 'Show the present and end' },
    noTruncFlag,
  ],
  args: { min: 0, max: Infinity },
  async run(context, { flags, args }) {
    const all = flags.boolean('all')
    const stream = !flags.boolean('no-stream')
    if (!stream && !all) {
      const rows = await statsAtOnce(context, { names: args, list: () => listContainers(context, all), truncate: !flags.boolean('no-trunc') })
      if (rows !== undefined) {
        context.stdout.write(renderList(statsListing, rows, flags.string('format')))
        return
      }
    }
    if (stream && !all && args.length === 0) {
      const frames = await statsStream(context, { truncate: !flags.boolean('no-trunc') })
      if (frames !== undefined) {
        for await (const rows of frames) draw(context, renderList(statsListing, rows, flags.string('format')))
        return
      }
    }
    const board = new StatsBoard(context, { stream })
    const following = stream && args.length === 0 ? await followContainers(context, board, all) : undefined
    const names = args.length > 0 ? args : await listContainers(context, all)
    for (const name of names) board.add(name)
    await board.firstFrames()
    if (args.length > 0 && board.errors.length > 0) throw new ExitError(board.errors.join('\n'))
    const render = (): string => renderList(statsListing, board.rows({ truncate: !flags.boolean('no-trunc') }), flags.string('format'))
    if (!stream) {
      context.stdout.write(render())
      return
    }
    // Who asked for names is served until none of them has more to say, who did not until none is left or the engine goes.
    const isOver = (): boolean => (following === undefined ? board.ended : following.ended || (board.size === 0 && !all))
    do {
      draw(context, render())
      await sleep(redrawMilliseconds)
    } while (!isOver())
  },
}

function draw({ stdout }: CliContext, text: string): void {
  stdout.write(cursorHome + text.replaceAll('\n', `${eraseLine}\n`) + eraseBelow)
}

async function listContainers(context: CliContext, all: boolean): Promise<string[]> {
  const containers = await context.client.json<{ Id: string }[]>('GET', '/containers/json', { query: { all: all || undefined } })
  return containers.map(({ Id }) => shortId(Id))
}

/** Adds and removes containers as they come and go. It follows once it answers. */
async function followContainers(context: CliContext, board: StatsBoard, all: boolean): Promise<{ ended: boolean }> {
  const following = { ended: false }
  const filters = JSON.stringify({ type: { container: true } })
  const response = await context.client.open('GET', '/events', { query: { filters } })
  const apply = async (): Promise<void> => {
    for await (const value of jsonLines(response.body)) {
      const { Action, Actor } = value as unknown as { Action: string; Actor: { ID: string } }
      const id = shortId(Actor.ID)
      if (Action === 'start' || (all && Action === 'create')) board.add(id)
      if (Action === 'destroy' || (!all && Action === 'die')) board.remove(id)
    }
  }
  // The engine that goes away ends the display without a word, as with docker.
  void apply().catch(() => {}).finally(() => (following.ended = true))
  return following
}
