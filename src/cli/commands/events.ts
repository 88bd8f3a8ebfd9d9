import { encodeJson } from '../../lib/go-template/json.ts'
import { compileTemplate } from '../../lib/go-template/template.ts'
import { formatValue, type Value, type ValueMap } from '../../lib/go-template/value.ts'
import { filtersQuery } from '../client/filters.ts'
import { timeReference } from '../client/time-reference.ts'
import type { Command } from '../command.ts'
import { jsonLines } from '../display/json-lines.ts'
import { ExitError } from '../exit-error.ts'
import { dockerFunctions } from '../format/docker-functions.ts'
import { eventTime } from '../format/exact-time.ts'
import { filterFlag } from '../grammar/common-flags.ts'

export const eventsCommand: Command = {
  path: 'events',
  usage: [''],
  summary: 'Show what happens in the engine, as it happens',
  aliases: ['system events', 'events'],
  flags: [
    filterFlag,
    { name: 'format', kind: 'string', help: "How to print:\n'json':             One JSON object a line\n'TEMPLATE':         A Go template" },
    { name: 'since', kind: 'string', help: 'Show events since a time' },
    { name: 'until', kind: 'string', help: 'Show events until a time' },
  ],
  args: { min: 0, max: 0 },
  async run(context, { flags }) {
    const print = printer(flags.string('format'))
    const response = await context.client.open('GET', '/events', {
      query: {
        since: timeReference(flags.string('since')),
        until: timeReference(flags.string('until')),
        filters: filtersQuery(flags.list('filter')),
      },
    })
    for await (const event of jsonLines(response.body)) context.stdout.write(`${print(event as ValueMap)}\n`)
  },
}

function printer(format: string): (event: ValueMap) => string {
  if (format === '') return plainEvent
  if (format === 'json') return (event) => encodeJson(event, { escapeHtml: true })
  try {
    const template = compileTemplate(format.replaceAll(String.raw`\t`, '\t').replaceAll(String.raw`\n`, '\n'), { functions: dockerFunctions, missingKey: () => undefined })
    return (event) => template(goNames(event))
  } catch (cause) {
    throw new ExitError(`Error parsing format: ${(cause as Error).message}`, 64, { cause })
  }
}

/** The message under the names of its Go fields, which templates use. */
function goNames(event: ValueMap): ValueMap {
  const { status, id, from, scope, time, timeNano, Type, Action, Actor } = event
  const actor = { ...(Actor as ValueMap) }
  return { Status: status ?? '', ID: id ?? '', From: from ?? '', Type, Action, Actor: actor, Scope: scope ?? '', Time: time ?? 0, TimeNano: timeNano ?? 0 }
}

function plainEvent(event: ValueMap): string {
  const actor = event['Actor'] as { ID?: Value; Attributes?: ValueMap | null } | undefined
  const nanoseconds = event['timeNano'] ? BigInt(event['timeNano'] as bigint | number) : BigInt(Number(event['time'] ?? 0)) * 1_000_000_000n
  const attributes = Object.entries(actor?.Attributes ?? {}).map(([name, value]) => `${name}=${formatValue(value)}`)
  const shown = attributes.length > 0 ? ` (${attributes.toSorted().join(', ')})` : ''
  const words = [eventTime(nanoseconds), event['Type'], event['Action'], actor?.ID].map((word) => formatValue(word))
  return words.join(' ') + shown
}
