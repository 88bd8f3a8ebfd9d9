import { HistoryClient, type KeptBuild } from '../build/history-client.ts'
import type { CliContext, Command } from '../command.ts'
import { buildDisplay } from '../display/build/build-display.ts'
import { BuildModel } from '../display/build/build-model.ts'
import { ExitError } from '../exit-error.ts'
import { humanDuration, timeAgo } from '../format/human.ts'
import { renderList, type Listing, type Row } from '../format/listing.ts'
import { listFormatFlag } from '../grammar/common-flags.ts'

export const builderHistoryCommand: Command = {
  path: 'builder history',
  usage: ['ls', 'inspect [REF]', 'logs [REF]', 'rm REF [REF...]'],
  aliases: ['builder history', 'buildx history'],
  summary: 'Look at builds that are over: ls, inspect, logs, rm',
  flags: [
    listFormatFlag,
    { name: 'all', kind: 'boolean', help: 'rm: all of them' },
    { name: 'no-trunc', kind: 'boolean', help: 'Do not shorten names' },
    { name: 'progress', kind: 'string', help: 'logs: plain or rawjson', shownDefault: '"plain"' },
  ],
  args: { min: 1, max: Infinity },
  async run(context, { flags, args }) {
    const [act, ...refs] = args
    await HistoryClient.with(context.client, async (history) => {
      if (act === 'ls') {
        const rows = (await history.list()).map((build) => rowOf(build, flags.boolean('no-trunc')))
        context.stdout.write(renderList(listing, rows, flags.string('format')))
      } else if (act === 'inspect') context.stdout.write(described(await history.find(refs[0]), flags.string('format')))
      else if (act === 'logs') await showLogs(history, context, { ref: refs[0], progress: flags.string('progress') })
      else if (act === 'rm') await remove(history, { refs, all: flags.boolean('all') })
      else throw new ExitError(`unknown command ${JSON.stringify(act)} for "builder history": one of ls, inspect, logs, rm`)
    })
  },
}

const listing: Listing = {
  typeName: '*history.lsContext',
  titles: { Ref: 'BUILD ID', Name: 'NAME', Status: 'STATUS', CreatedAt: 'CREATED AT', Duration: 'DURATION' },
  defaultTable: String.raw`{{.Ref}}\t{{.Name}}\t{{.Status}}\t{{.CreatedAt}}\t{{.Duration}}`,
}

function rowOf(build: KeptBuild, whole: boolean): Row {
  const { record } = build
  const name = nameOf(build)
  const texts = { Ref: record.ref, Name: whole || name.length <= 36 ? name : `${name.slice(0, 35)}…`, Status: statusOf(build), CreatedAt: timeAgo((record.createdAt ?? 0) / 1000), Duration: durationOf(build) }
  return Object.fromEntries(Object.entries(texts).map(([key, text]) => [key, () => text]))
}

function statusOf({ record: { error }, isRunning }: KeptBuild): string {
  if (isRunning) return 'Running'
  if (error === undefined || error.code === 0) return 'Completed'
  return error.code === 1 ? 'Canceled' : 'Error'
}

/** The first name of the result, else what was built. */
function nameOf({ record }: KeptBuild): string {
  const { frontendAttributes, exporters } = record
  const named = exporters.map(({ attributes }) => attributes['name']).find((name) => name)
  const file = frontendAttributes['filename'] ?? 'Dockerfile'
  const target = frontendAttributes['target'] === undefined ? '' : ` (${frontendAttributes['target']})`
  return `${named ?? frontendAttributes['context'] ?? file}${target}`
}

function durationOf({ record: { createdAt = 0, completedAt } }: KeptBuild): string {
  const seconds = ((completedAt ?? Date.now()) - createdAt) / 1000
  return seconds < 10 ? `${seconds.toFixed(1)}s` : humanDuration(seconds)
}

function described(build: KeptBuild, format: string): string {
  const { record } = build
  const { ref, frontendAttributes, exporters, exporterResponse, createdAt = 0, completedAt, error } = record
  const facts = {
    Name: nameOf(build),
    Ref: ref,
    Status: statusOf(build).toLowerCase(),
    StartedAt: new Date(createdAt).toISOString(),
    ...(completedAt !== undefined && { CompletedAt: new Date(completedAt).toISOString() }),
    Duration: durationOf(build),
    NumTotalSteps: record.totalSteps,
    NumCompletedSteps: record.completedSteps,
    NumCachedSteps: record.cachedSteps,
    NumWarnings: record.warnings,
    Attributes: { ...frontendAttributes },
    Exporters: exporters.map(({ type, attributes }) => ({ Type: type, Attributes: { ...attributes } })),
    Result: { ...exporterResponse },
    ...(error !== undefined && error.code !== 0 && { Error: error.message }),
  }
  if (format === 'json') return `${JSON.stringify(facts)}\n`
  if (format !== '') throw new ExitError('inspect knows the format "json" alone')
  const head = `Name:\t\t${facts.Name}\nRef:\t\t${ref}\nStatus:\t\t${facts.Status}\nStarted:\t${facts.StartedAt}\nDuration:\t${facts.Duration}\nBuild Steps:\t${record.completedSteps}/${record.totalSteps} (${record.totalSteps === 0 ? 0 : Math.round((record.cachedSteps * 100) / record.totalSteps)}% cached)\n`
  return head + table('ATTRIBUTE\tVALUE', facts.Attributes) + table('RESULT\tVALUE', facts.Result) + (facts.Error === undefined ? '' : `\nError: ${facts.Error}\n`)
}

function table(title: string, entries: Record<string, string>): string {
  return (Object.keys(entries).length === 0 ? '' : `\n${title}\n${Object.entries(entries).map(([name, value]) => `${name}\t${value}\n`).join('')}`)
}

async function showLogs(history: HistoryClient, { stdout }: CliContext, { ref, progress }: { ref: string | undefined; progress: string }): Promise<void> {
  if (progress !== '' && progress !== 'plain' && progress !== 'rawjson') throw new ExitError(`invalid progress mode ${progress}`)
  const { record } = await history.find(ref)
  const display = buildDisplay(progress === 'rawjson' ? 'rawjson' : 'plain', { out: stdout, model: new BuildModel() })
  for await (const status of history.status(record.ref)) display.update(status)
  display.end(false)
}

async function remove(history: HistoryClient, { refs, all }: { refs: readonly string[]; all: boolean }): Promise<void> {
  if (all === refs.length > 0) throw new ExitError(all ? 'cannot remove all and some at once' : 'rm requires the reference of a build, or --all')
  const wanted = all ? (await history.list()).filter(({ isRunning }) => !isRunning) : await Promise.all(refs.map((ref) => history.find(ref)))
  for (const { record } of wanted) await history.remove(record.ref)
}
