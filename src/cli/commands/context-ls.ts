import { usualHost } from '../client/host.ts'
import type { Command } from '../command.ts'
import { ContextStore } from '../contexts/context-store.ts'
import { renderList } from '../format/listing.ts'
import type { Listing, Row } from '../format/listing.ts'
import { listFormatFlag, quietFlag } from '../grammar/common-flags.ts'

const listing: Listing = {
  typeName: '*context.clientContextContext',
  titles: { Name: 'NAME', Description: 'DESCRIPTION', DockerEndpoint: 'DOCKER ENDPOINT', Error: 'ERROR', Current: 'CURRENT' },
  defaultTable: String.raw`{{.Name}}{{if .Current}} *{{end}}\t{{.Description}}\t{{.DockerEndpoint}}\t{{.Error}}`,
}

export const contextLsCommand: Command = {
  path: 'context ls',
  usage: [''],
  summary: 'List contexts',
  aliases: ['context ls', 'context list'],
  flags: [listFormatFlag, quietFlag('Show names only')],
  args: { min: 0, max: 0 },
  async run(context, { flags }) {
    const current = context.currentContext()
    const stored = new ContextStore(context.configDirectory).list()
    const all = [
      { name: 'default', description: 'Current DOCKER_HOST based configuration', host: current.host ?? context.env['DOCKER_HOST'] ?? usualHost(), error: '' },
      ...stored.map(({ Name, Metadata, Endpoints }) => ({ name: Name, description: Metadata.Description ?? '', host: Endpoints.docker?.Host ?? usualHost(), error: '' })),
    ]
    if (!all.some(({ name }) => name === current.name)) all.push({ name: current.name, description: '', host: '', error: `context "${current.name}": context not found` })
    const rows: Row[] = all
      .toSorted((one, other) => one.name.localeCompare(other.name, 'en', { numeric: true }))
      .map(({ name, description, host, error }) => ({
        Name: () => name,
        Description: () => description,
        DockerEndpoint: () => host,
        Error: () => error,
        Current: () => name === current.name,
      }))
    const format = flags.string('format')
    const quiet = flags.boolean('quiet') && (format === '' || format === 'table')
    context.stdout.write(renderList(listing, rows, quiet ? '{{.Name}}' : format))
    if (current.host !== undefined && !quiet && context.env['DOCKER_HOST']) {
      context.stderr.write('Warning: DOCKER_HOST environment variable overrides the active context. To use a context, either set the global --context flag, or unset DOCKER_HOST environment variable.\n')
    }
  },
}
