import { encodeJson, parseJson } from '../../lib/go-template/json.ts'
import type { CliContext, Command } from '../command.ts'
import { ExitError } from '../exit-error.ts'
import { compileObjectTemplate } from '../format/engine-object.ts'
import { alignColumns } from '../format/table.ts'
import { objectFormatFlag } from '../grammar/common-flags.ts'
import { apiVersion, buildTime, commit, version } from '../program.ts'

type Component = { Name: string; Version: string; Details?: Record<string, string> | null }
type ServerVersion = {
  Platform?: { Name: string }
  Components?: Component[] | null
  Version: string
  ApiVersion: string
  [detail: string]: string | object | null | undefined
}

export const versionCommand: Command = {
  path: 'version',
  usage: [''],
  summary: 'Show the versions of client and engine',
  flags: [objectFormatFlag],
  args: { min: 0, max: 0 },
  async run(context, { flags }) {
    let serverText: string | undefined
    let failure: unknown
    let used = apiVersion
    try {
      used = await context.client.version()
      serverText = await context.client.text('GET', '/version')
    } catch (error) {
      failure = error
    }
    const client = clientVersion(used)
    const format = flags.string('format')
    if (format === '') context.stdout.write(plainVersion(client, serverText && (JSON.parse(serverText) as ServerVersion)))
    else printTemplate(context, format, encodeJson({ Client: client, Server: serverText ? parseJson(serverText) : null }))
    if (failure) throw failure
  },
}

function clientVersion(used: string): Record<string, string> {
  return {
    Version: version,
    ApiVersion: used,
    DefaultAPIVersion: apiVersion,
    GitCommit: commit,
    GoVersion: '',
    NodeVersion: process.version,
    Os: process.platform,
    Arch: goArchitecture(),
    BuildTime: buildTime,
    Context: 'default',
  }
}

function goArchitecture(): string {
  return { x64: 'amd64', ia32: '386' }[process.arch as string] ?? process.arch
}

/** Shared with info: a template or "json" over one object. */
export function printTemplate(context: CliContext, format: string, json: string): void {
  if (format === 'json') {
    context.stdout.write(`${json.trim()}\n`)
    return
  }
  let render: (json: string) => string
  try {
    render = compileObjectTemplate(format)
  } catch (cause) {
    throw new ExitError(`template parsing error: ${(cause as Error).message}`, 64, { cause })
  }
  try {
    context.stdout.write(`${render(json)}\n`)
  } catch (error) {
    context.stdout.write('\n')
    throw error
  }
}

function plainVersion(client: Record<string, string>, server: ServerVersion | undefined | ''): string {
  const downgraded = client['ApiVersion'] === apiVersion ? '' : ` (downgraded from ${apiVersion})`
  const lines = [
    'Client:',
    ` Version:\t${client['Version']}`,
    ` API version:\t${client['ApiVersion']}${downgraded}`,
    ` Node version:\t${client['NodeVersion']}`,
    ...(commit ? [` Git commit:\t${commit}`, ` Built:\t${buildTime}`] : []),
    ` OS/Arch:\t${client['Os']}/${client['Arch']}`,
    ` Context:\t${client['Context']}`,
  ]
  if (server) lines.push('', `Server:${server.Platform?.Name ? ` ${server.Platform.Name}` : ''}`, ...componentsOf(server).flatMap(componentLines))
  return alignColumns(`${lines.join('\n')}\n`, { minimumWidth: 20, padding: 1 })
}

function componentsOf(server: ServerVersion): Component[] {
  if (server.Components && server.Components.length > 0) return server.Components
  const details = ['ApiVersion', 'MinAPIVersion', 'GitCommit', 'GoVersion', 'Os', 'Arch', 'BuildTime', 'Experimental']
  return [{ Name: 'Engine', Version: server.Version, Details: Object.fromEntries(details.map((name) => [name, plainText(server[name])])) }]
}

function plainText(value: unknown): string {
  return typeof value === 'string' || typeof value === 'boolean' ? `${value}` : ''
}

function componentLines({ Name, Version, Details }: Component): string[] {
  const details = Details ?? {}
  if (Name !== 'Engine') {
    const names = Object.keys(details).toSorted()
    return [` ${Name}:`, `  Version:\t${Version}`, ...names.map((name) => `  ${name}:\t${details[name]}`)]
  }
  const known = (name: string) => details[name] ?? ''
  return [
    ' Engine:',
    `  Version:\t${Version}`,
    `  API version:\t${known('ApiVersion')} (minimum version ${known('MinAPIVersion')})`,
    `  Go version:\t${known('GoVersion')}`,
    `  Git commit:\t${known('GitCommit')}`,
    `  Built:\t${known('BuildTime')}`,
    `  OS/Arch:\t${known('Os')}/${known('Arch')}`,
    `  Experimental:\t${known('Experimental')}`,
  ]
}
