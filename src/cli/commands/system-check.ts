import type { Command } from '../command.ts'
import { ExitError } from '../exit-error.ts'

interface Check {
  blobs: number
  images: number
  layers: number
  containers: number
  problems: { problem: string; repaired: boolean }[]
}

export const systemCheckCommand: Command = {
  path: 'system check',
  usage: [''],
  summary: 'Verify everything that is stored: digests, layers, records, mounts',
  flags: [
    { name: 'full', kind: 'boolean', help: 'Compare the files of layers with their archives as well' },
    { name: 'repair', kind: 'boolean', help: 'Take away what is broken or belongs to nothing' },
  ],
  args: { min: 0, max: 0 },
  async run(context, { flags }) {
    const check = await context.client.json<Check>('POST', '/gantry/v1/storage/check', { query: { repair: flags.boolean('repair') || undefined, full: flags.boolean('full') || undefined }, unversioned: true })
    for (const { problem, repaired } of check.problems) context.stdout.write(`${problem}${repaired ? ' (repaired)' : ''}\n`)
    const left = check.problems.filter(({ repaired }) => !repaired).length
    context.stdout.write(`Checked ${check.blobs} blobs, ${check.images} images, ${check.layers} layers, ${check.containers} container snapshots: ${left === 0 ? 'clean' : `${left} problems`}\n`)
    if (left > 0) throw new ExitError('', 1)
  },
}
