import { writeFileSync } from 'node:fs'
import { entitlements, frontendAttributes } from '../build/attributes.ts'
import { readAgents } from '../build/agents.ts'
import { runBuild } from '../build/build-client.ts'
import { readNamedContexts, readSources } from '../build/context.ts'
import { buildFlags } from '../build/flags.ts'
import { readOutputs, type Output } from '../build/output.ts'
import { readSecrets } from '../build/secrets.ts'
import { sessionServices } from '../build/session-services.ts'
import { readCall, showAnswer } from '../build/subrequest.ts'
import type { CliContext, Command } from '../command.ts'
import { debugServices } from '../build/debug-terminal.ts'
import { readCaches, type BuildCaches } from '../build/caches.ts'
import { tagManifest } from '../build/content-stores.ts'
import { CredentialStore } from '../credentials/credential-store.ts'
import { buildDisplay, type ProgressKind } from '../display/build/build-display.ts'
import { BuildModel } from '../display/build/build-model.ts'
import { failureText, warningsText } from '../display/build/outcome.ts'
import { errorText, ExitError } from '../exit-error.ts'
import type { FlagValues } from '../grammar/flag.ts'
import { GrpcError } from '../../lib/grpc/status.ts'
import type { SolveRequest, StatusResponse } from '../../lib/buildkit/control-messages.ts'

export const buildCommand: Command = {
  path: 'build',
  usage: ['PATH | URL | -'],
  summary: 'Build an image from a Dockerfile',
  aliases: ['build', 'image build', 'builder build', 'buildx build'],
  flags: buildFlags,
  args: { min: 1, max: 1 },
  async run(context, { flags, args }) {
    const kind = progressKind(flags, context)
    const call = readCall(flags)
    const sources = await readSources(args[0]!, flags.string('file'), context.stdin)
    readNamedContexts(flags.list('build-context'), sources)
    const outputs = call === undefined ? readOutputs(flags, context.stdout) : []
    const caches = readCaches(flags.list('cache-from'), flags.list('cache-to'))
    for (const directory of caches.missing) context.stderr.write(`WARNING: local cache import at ${directory} not found: it has no index.json with that tag\n`)
    const layout = outputs.find((output) => output.layout !== undefined)?.layout
    const stores = new Map([...sources.stores, ...caches.stores, ...(layout === undefined ? [] : ([['export', { directory: layout, writable: true }]] as const))])
    const attributes = { filename: 'Dockerfile', ...frontendAttributes(flags, context.env), ...sources.attributes, ...call?.attributes }
    let paused: StatusResponse[] | undefined
    const services = sessionServices({
      sources,
      outputs,
      secrets: readSecrets(flags.list('secret'), context.env),
      agents: readAgents(flags.list('ssh'), context.env),
      credentials: new CredentialStore(context.configDirectory),
      stores,
    })
    const model = new BuildModel()
    const display = buildDisplay(kind, { out: context.stderr, model })
    const debug = flags.boolean('debug') || context.debug
    const isOnTerminal = context.stdin.isTTY && context.stdout.isTTY && args[0] !== '-' && flags.string('file') !== '-'
    const pause = (): (() => void) => {
      paused = []
      const resume = display.pause?.()
      return () => {
        resume?.()
        const missed = paused ?? []
        paused = undefined
        for (const status of missed) display.update(status)
      }
    }
    if (debug && isOnTerminal && kind !== 'quiet') Object.assign(services, debugServices({ stdin: context.stdin, stdout: context.stdout, pause }))
    let answer: Record<string, string>
    try {
      answer = await runBuild({ client: context.client, request: requestOf(flags, { outputs, attributes, caches }), services, sharedKey: sources.sharedKey, onStatus: (status) => (paused === undefined ? display.update(status) : void paused.push(status)) })
    } catch (error) {
      display.end(true)
      if (kind !== 'rawjson') context.stderr.write(failureText(error instanceof GrpcError ? error : undefined, model, debug))
      throw error instanceof GrpcError ? new ExitError(`ERROR: failed to solve: ${errorText(error)}`, 1, { cause: error }) : error
    }
    display.end(false)
    caches.finish(answer)
    if (layout !== undefined) finishLayout(layout, answer)
    if (call !== undefined) return showAnswer(call, answer, context)
    if (kind === 'plain' || kind === 'tty') context.stderr.write(warningsText(model.warnings, debug))
    report(flags, answer, context)
    return 0
  },
}

function requestOf(flags: FlagValues, { outputs, attributes, caches }: { outputs: readonly Output[]; attributes: Record<string, string>; caches: BuildCaches }): Partial<SolveRequest> {
  return {
    frontend: 'dockerfile.v0',
    frontendAttributes: attributes,
    cache: {
      deprecatedExportRef: '',
      deprecatedImportRefs: [],
      deprecatedExportAttributes: {},
      imports: caches.imports,
      exports: caches.exports,
    },
    entitlements: entitlements(flags),
    exporters: outputs.map(({ type, attributes: about }) => ({ type, attributes: about })),
    // Engines of before BuildKit 0.13 know one exporter, and in another place.
    deprecatedExporter: outputs[0]?.type ?? '',
    deprecatedExporterAttributes: outputs[0]?.attributes ?? {},
  }
}

/** `index.json` of an OCI layout whose blobs the engine has written. */
function finishLayout(directory: string, answer: Record<string, string>): void {
  const packed = answer['containerimage.descriptor']
  if (packed === undefined) return
  const tags = (answer['image.name'] ?? '').split(',').filter((name) => name !== '').map((name) => name.split(':').at(-1)!)
  tagManifest(directory, JSON.parse(Buffer.from(packed, 'base64').toString()) as Parameters<typeof tagManifest>[1], [...new Set(tags)])
}

/** --iidfile, --metadata-file and --quiet. */
function report(flags: FlagValues, answer: Record<string, string>, { stdout }: CliContext): void {
  const id = answer['containerimage.config.digest'] ?? answer['containerimage.digest'] ?? ''
  if (flags.string('iidfile') !== '') writeFileSync(flags.string('iidfile'), id)
  if (flags.string('metadata-file') !== '') writeFileSync(flags.string('metadata-file'), `${JSON.stringify(metadataOf(answer), null, 2)}\n`)
  if (flags.boolean('quiet') && id !== '') stdout.write(`${id}\n`)
}

/** Values that are JSON in base64 are shown as JSON. */
function metadataOf(answer: Record<string, string>): Record<string, unknown> {
  const entries = Object.entries(answer).toSorted(([one], [other]) => (one < other ? -1 : 1))
  return Object.fromEntries(
    entries.map(([name, value]) => {
      try {
        const decoded = Buffer.from(value, 'base64').toString()
        return [name, decoded.startsWith('{') ? (JSON.parse(decoded) as unknown) : value]
      } catch {
        return [name, value]
      }
    }),
  )
}

function progressKind(flags: FlagValues, { stderr, env }: CliContext): ProgressKind {
  if (flags.boolean('quiet')) return 'quiet'
  const word = flags.string('progress') || env['BUILDKIT_PROGRESS'] || 'auto'
  if (word === 'auto') return stderr.isTTY ? 'tty' : 'plain'
  if (word === 'tty' && !stderr.isTTY) throw new ExitError('failed to get console: provided file is not a console')
  if (word === 'plain' || word === 'tty' || word === 'quiet' || word === 'rawjson') return word
  throw new ExitError(`invalid progress mode ${word}`)
}
