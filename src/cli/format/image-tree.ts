import { humanSize, shortId } from './human.ts'
import type { ImageSummary } from './image-row.ts'

const widest = 80
const gap = '   '

/** `images --tree`: every name of an image on a line of its own, what is known of it beside the last. */
export function imageTree(images: readonly ImageSummary[], { used, isTerminal }: { used: ReadonlySet<string>; isTerminal: boolean }): string {
  const entries = images.map((image) => ({ image, names: namesOf(image) }))
  const width = Math.max('IMAGE'.length, ...entries.flatMap(({ names }) => names.map((name) => name.length)))
  const bold = (title: string): string => (isTerminal ? `\u001B[1m${title}\u001B[0m` : title)
  const titles = [`${bold('IMAGE')}${' '.repeat(width - 'IMAGE'.length)}`, `${bold('ID')}${' '.repeat(10)}`, bold('DISK USAGE'), bold('CONTENT SIZE'), bold('EXTRA')]
  const lines = entries.flatMap(({ image, names }) => {
    const extra = used.has(image.Id) ? 'U' : ''
    const known = [shortId(image.Id), humanSize(image.Size, 3).padStart(10), '0B'.padStart(12), extra.padStart(3).padEnd(5)]
    return [...names.slice(0, -1), [names.at(-1)!.padEnd(width), ...known].join(gap)]
  })
  return ['Info ->  U In Use '.padStart(widest), '', titles.join(gap), ...lines, ''].join('\n')
}

function namesOf({ RepoTags }: ImageSummary): string[] {
  const names = (RepoTags ?? []).filter((name) => name !== '<none>:<none>')
  return names.length === 0 ? ['<untagged>'] : names
}
