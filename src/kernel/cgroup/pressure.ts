import { cgroupFiles, type ReadCgroupFile } from './usage-files.ts'
import type { CgroupLayout } from './layout.ts'

/** Shares of time (0 to 100) in which some, or all, processes waited for a resource, and the total of it in µs. */
export interface Pressure {
  some: PressureLine
  full?: PressureLine
}

export interface PressureLine {
  avg10: number
  avg60: number
  avg300: number
  total: number
}

export type Pressures = Partial<Record<'cpu' | 'memory' | 'io', Pressure>>

/** PSI of a cgroup (Documentation/accounting/psi.rst); v2 alone has it. */
export function readPressure(layout: CgroupLayout, path: string, read: ReadCgroupFile = cgroupFiles(layout, path)): Pressures {
  if (layout.mode !== 'v2') return {}
  const entries = (['cpu', 'memory', 'io'] as const).flatMap((resource) => {
    const pressure = parsePressure(read(resource, `${resource}.pressure`))
    return pressure === undefined ? [] : [[resource, pressure] as const]
  })
  return Object.fromEntries(entries)
}

export function parsePressure(text: string): Pressure | undefined {
  const lines = new Map(text.split('\n').map((line) => [line.split(' ', 1)[0] ?? '', line]))
  const some = parseLine(lines.get('some'))
  const full = parseLine(lines.get('full'))
  return some && { some, ...(full && { full }) }
}

function parseLine(line: string | undefined): PressureLine | undefined {
  const [, avg10, avg60, avg300, total] = /avg10=([\d.]+) avg60=([\d.]+) avg300=([\d.]+) total=(\d+)/.exec(line ?? '') ?? []
  return avg10 === undefined ? undefined : { avg10: Number(avg10), avg60: Number(avg60), avg300: Number(avg300), total: Number(total) }
}
