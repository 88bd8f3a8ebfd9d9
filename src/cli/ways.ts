import type { EngineClient } from './client/engine-client.ts'

export interface WayStep {
  at: string
  name: string
  text: string
  packets?: number
  bytes?: number
}

export interface Way {
  network: string
  driver: string
  family: 4 | 6
  address: string
  in: { port: string; steps: WayStep[] }[]
  out: WayStep[]
}

export async function fetchWays(client: EngineClient, container: string): Promise<Way[]> {
  const { ways } = await client.json<{ ways: Way[] }>('GET', `/gantry/v1/containers/${encodeURIComponent(container)}/network`, { unversioned: true })
  return ways
}

export function waysText(ways: readonly Way[]): string {
  return ways.map((way) => {
    const title = `network ${way.network} (${way.driver})${way.address === '' ? '' : `, ${way.address}`}`
    return [title, ...way.in.flatMap(({ port, steps }) => [`  in, ${port}`, ...stepLines(steps)]), '  out', ...stepLines(way.out), ''].join('\n')
  }).join('')
}

/** What counted between two looks. Counters that were set back meanwhile count from zero. */
export function countedSteps(before: readonly Way[], after: readonly Way[]): WayStep[] {
  const earlier = new Map(distinctSteps(before))
  return distinctSteps(after).flatMap(([key, step]) => {
    const { packets = 0, bytes = 0 } = earlier.get(key) ?? {}
    const moved = (step.packets ?? 0) - packets
    if (step.packets === undefined || moved === 0) return []
    return [{ ...step, packets: moved < 0 ? step.packets : moved, bytes: moved < 0 ? step.bytes : (step.bytes ?? 0) - bytes }]
  })
}

export function stepLines(steps: readonly WayStep[]): string[] {
  return steps.map(({ at, name, text, packets, bytes }) => {
    const counted = packets === undefined ? '' : `  [${packets} packets, ${bytes} bytes]`
    return at === 'rule' ? `        ${text}${counted}` : `    ${at.padEnd(11)} ${name}${text === '' ? '' : `: ${text}`}${counted}`
  })
}

/** The same rule is met on several ways; the nth of equal ones in a chain is one of its own. */
function distinctSteps(ways: readonly Way[]): [string, WayStep][] {
  const found = new Map<string, WayStep>()
  for (const { family, in: ins, out } of ways) {
    for (const steps of [...ins.map((one) => one.steps), out]) {
      const seen = new Map<string, number>()
      for (const step of steps) {
        const name = step.at === 'interface' ? `interface ${step.name} ${step.text.includes('container') ? 'inside' : ''}` : `${family} ${step.at} ${step.name} ${step.text}`
        const nth = seen.get(name) ?? 0
        seen.set(name, nth + 1)
        found.set(`${name} ${nth}`, step)
      }
    }
  }
  return [...found]
}
