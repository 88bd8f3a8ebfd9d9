import { humanSize, shortId } from './human.ts'
import type { ImageSummary } from './image-row.ts'

const widest = 80
const gap = '   '

/** `images --tree`: every name of an image on a line of its own, what is known of it beside the last, and its platforms below. */
export function imageTree(images: readonly ImageSummary[], { used, isTerminal }: { used: ReadonlySet<string>; isTerminal: boolean }): string {
  const entries = images.map((image) => ({ image, names: namesOf(image), platforms: platformsOf(image) }))
  const width = Math.max('IMAGE'.length, ...entries.flatMap(({ names, platforms }) => [...names, ...platforms.map(({ label }) => label)].map((name) => name.length)))
  const bold = (title: string): string => (isTerminal ? `\u001B[1m${title}\u001B[0m` : title)
  const titles = [`${bold('IMAGE')}${' '.repeat(width - 'IMAGE'.length)}`, `${bold('ID')}${' '.repeat(10)}`, bold('DISK USAGE'), bold('CONTENT SIZE'), bold('EXTRA')]
  const row = (label: string, known: Known): string =>
    [label.padEnd(width), shortId(known.id), humanSize(known.total, 3).padStart(10), humanSize(known.content, 3).padStart(12), (known.isUsed ? 'U' : '').padStart(3).padEnd(5)].join(gap)
  const lines = entries.flatMap(({ image, names, platforms }) => {
    const content = platforms.reduce((sum, platform) => sum + platform.content, 0)
    const isUsed = used.has(image.Id) || platforms.some((platform) => platform.isUsed)
    return [...names.slice(0, -1), row(names.at(-1)!, { id: image.Id, total: image.Size, content, isUsed }), ...platforms.map((platform) => row(platform.label, platform))]
  })
  return ['Info ->  U In Use '.padStart(widest), '', titles.join(gap), ...lines, ''].join('\n')
}

interface Known {
  id: string
  total: number
  content: number
  isUsed: boolean
}

function platformsOf({ Manifests }: ImageSummary): (Known & { label: string })[] {
  const platforms = (Manifests ?? []).flatMap(({ ID, Size, ImageData }) => (ImageData ? [{ ID, Size, ImageData }] : []))
  return platforms.map(({ ID, Size, ImageData: { Platform, Containers } }, at) => {
    const text = [Platform.os, Platform.architecture, Platform.variant].filter((part) => part).join('/')
    return { label: `${at < platforms.length - 1 ? '├─' : '└─'} ${text}`, id: ID, total: Size.Total, content: Size.Content, isUsed: Containers.length > 0 }
  })
}

function namesOf({ RepoTags }: ImageSummary): string[] {
  const names = (RepoTags ?? []).filter((name) => name !== '<none>:<none>')
  return names.length === 0 ? ['<untagged>'] : names
}
