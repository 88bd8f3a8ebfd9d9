import type { EngineClient } from '../client/engine-client.ts'
import { humanSize } from '../format/human.ts'
import { programName } from '../program.ts'

type Usage = {
  Containers?: { State: string; SizeRw?: number }[] | null
  Images?: { Containers: number; Size: number; SharedSize: number }[] | null
  Volumes?: { UsageData?: { Size: number; RefCount: number } }[] | null
}

/** A full disk: what could go, the largest first. */
export async function spaceHint(client: EngineClient): Promise<string> {
  const usage = await client.json<Usage>('GET', '/system/df')
  const rows = [
    { command: 'container prune', bytes: sum((usage.Containers ?? []).filter(({ State }) => State !== 'running').map(({ SizeRw = 0 }) => SizeRw)) },
    { command: 'image prune -a', bytes: sum((usage.Images ?? []).filter(({ Containers }) => Containers === 0).map(({ Size, SharedSize }) => Size - Math.max(SharedSize, 0))) },
    { command: 'volume prune -a', bytes: sum((usage.Volumes ?? []).flatMap(({ UsageData }) => (UsageData?.RefCount === 0 ? [UsageData.Size] : []))) },
  ]
  const worth = rows.filter(({ bytes }) => bytes > 0).toSorted((one, other) => other.bytes - one.bytes)
  if (worth.length === 0) return `The disk is full, and nothing of the engine's can be pruned. '${programName} system df -v' shows who takes it.`
  return `The disk is full. ${worth.map(({ command, bytes }) => `'${programName} ${command}' would free about ${humanSize(bytes, 3)}`).join(', ')}.`
}

function sum(sizes: number[]): number {
  return sizes.reduce((total, size) => total + Math.max(size, 0), 0)
}
