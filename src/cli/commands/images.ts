import type { CliContext, Command } from '../command.ts'
import { filtersQuery } from '../client/filters.ts'
import { ExitError } from '../exit-error.ts'
import { humanSize } from '../format/human.ts'
import { imageTree } from '../format/image-tree.ts'
import { imageListing, imageRows, type ImageSummary } from '../format/image-row.ts'
import { renderList } from '../format/listing.ts'
import type { FlagValues } from '../grammar/flag.ts'
import { filterFlag, listFormatFlag, noTruncFlag, quietFlag } from '../grammar/common-flags.ts'

export const imagesCommand: Command = {
  path: 'images',
  usage: ['[REPOSITORY[:TAG]]'],
  summary: 'List images',
  aliases: ['image ls', 'image list', 'images'],
  flags: [
    { name: 'all', short: 'a', kind: 'boolean', help: 'Show intermediate images too' },
    { name: 'digests', kind: 'boolean', help: 'Show digests' },
    filterFlag,
    listFormatFlag,
    noTruncFlag,
    quietFlag('Show identifiers only'),
    { name: 'tree', kind: 'boolean', help: 'Group the names of an image, and mark what is in use' },
  ],
  args: { min: 0, max: 1 },
  async run(context, { flags, args }) {
    const tree = flags.boolean('tree')
    if (tree) checkTree(flags)
    const filters = [...flags.list('filter'), ...args.map((reference) => `reference=${reference}`)]
    const images = await context.client.json<ImageSummary[]>('GET', '/images/json', {
      query: { all: flags.boolean('all') || undefined, filters: filtersQuery(filters), manifests: tree || undefined },
    })
    if (tree) return showTree(context, images)
    const format = flags.string('format')
    const column = flags.boolean('digests')
    const digests = { rows: column || format.includes('.Digest'), column }
    const rows = images
      .toSorted((a, b) => b.Created - a.Created)
      .flatMap((image) => imageRows(image, { truncate: !flags.boolean('no-trunc'), digests }))
    if (format === '' && !flags.boolean('quiet') && filters.length === 0) rows.push(...(await rowsElsewhere(context, images, { truncate: !flags.boolean('no-trunc'), digests })))
    const quiet = flags.boolean('quiet') && (format === '' || format === 'table')
    context.stdout.write(renderList(imageListing(flags.boolean('digests')), rows, quiet ? '{{.ID}}' : format))
  },
}

interface OtherImage {
  driver: string
  id: string
  created: string
  size: number
  repoTags: string[]
  repoDigests: string[]
}

/** Images that only another storage driver's store has, marked with its name. Other engines than ours have none to tell. */
async function rowsElsewhere(context: CliContext, here: readonly ImageSummary[], options: Parameters<typeof imageRows>[1]): Promise<ReturnType<typeof imageRows>> {
  const others = await context.client.json<OtherImage[]>('GET', '/gantry/v1/storage/images', { unversioned: true }).catch(() => [])
  const known = new Set(here.map(({ Id }) => Id))
  return others
    .filter(({ id }) => !known.has(id))
    .flatMap(({ driver, id, created, size, repoTags, repoDigests }) => {
      const image = { Id: id, Created: Math.floor(Date.parse(created) / 1000), Size: size, RepoTags: repoTags, RepoDigests: repoDigests } as ImageSummary
      return imageRows(image, options).map((row) => ({ ...row, Size: () => `${humanSize(size, 3)} (in ${driver})` }))
    })
}

function checkTree(flags: FlagValues): void {
  const others = { 'no-trunc': '--no-trunc', quiet: '--quiet', digests: '--show-digest', format: '--format' }
  for (const [name, shown] of Object.entries(others)) if (flags.has(name)) throw new ExitError(`${shown} is not yet supported with --tree`)
}

async function showTree(context: CliContext, images: ImageSummary[]): Promise<void> {
  const containers = await context.client.json<{ ImageID: string }[]>('GET', '/containers/json', { query: { all: true } })
  const used = new Set(containers.map(({ ImageID }) => ImageID))
  context.stdout.write(imageTree(images.toSorted((a, b) => b.Created - a.Created), { used, isTerminal: context.stdout.isTTY }))
}
