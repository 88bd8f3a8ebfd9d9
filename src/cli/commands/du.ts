import type { Command } from '../command.ts'
import { humanSize } from '../format/human.ts'

interface Inspected {
  Id: string
  Image: string
  Config: { Image: string }
  GraphDriver: { Name: string }
  SizeRw: number
  SizeRootFs: number
}

export const duCommand: Command = {
  path: 'du',
  usage: ['CONTAINER'],
  summary: 'Explain what space a container takes: what it wrote, and the layers that it shares',
  flags: [],
  args: { min: 1, max: 1 },
  async run(context, { args }) {
    const path = `/containers/${encodeURIComponent(args[0]!)}`
    const container = await context.client.json<Inspected>('GET', `${path}/json`, { query: { size: true } })
    const changes = await context.client.json<{ Kind: 0 | 1 | 2 }[] | null>('GET', `${path}/changes`)
    const others = await context.client.json<{ ImageID: string }[]>('GET', '/containers/json', { query: { all: true } })
    const layers = await context.client.json<{ Size: number; CreatedBy: string }[]>('GET', `/images/${encodeURIComponent(container.Image)}/history`).catch(() => [])
    const count = (kind: 0 | 1 | 2): number => (changes ?? []).filter(({ Kind }) => Kind === kind).length
    const sharing = others.filter(({ ImageID }) => ImageID === container.Image).length
    const rows: [number, string][] = [
      [container.SizeRw, `written by the container: ${count(1)} added, ${count(0)} changed, ${count(2)} deleted`],
      ...layers.filter(({ Size }) => Size > 0).map(({ Size, CreatedBy }): [number, string] => [Size, `layer of ${container.Config.Image}: ${CreatedBy.slice(0, 60) || 'imported'}`]),
      [container.SizeRootFs, `all that it sees, on ${container.GraphDriver.Name}; ${sharing === 1 ? 'no other container stands' : `${sharing - 1} others stand`} on the same image`],
    ]
    context.stdout.write(rows.map(([size, what]) => `${humanSize(size, 3).padEnd(10)}${what}\n`).join(''))
  },
}
