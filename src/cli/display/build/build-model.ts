import type { StatusResponse, StatusVertex, StatusWarning } from '../../../lib/buildkit/control-messages.ts'

export interface ShownVertex extends StatusVertex {
  /** From 1 on, in the order of their first sight. */
  index: number
  statuses: Map<string, ShownStatus>
  /** "0.123 text" or a line that still grows. */
  lines: string[]
  /** Lines that have been shown. */
  shown: number
}

export type ShownStatus = StatusResponse['statuses'][number]

/** What a build has told so far. */
export class BuildModel {
  readonly vertices = new Map<string, ShownVertex>()
  readonly warnings: StatusWarning[] = []
  readonly #partial = new Map<string, string>()

  /** @returns the vertices that something was told of */
  update(status: StatusResponse): Set<ShownVertex> {
    const touched = new Set<ShownVertex>()
    for (const told of status.vertexes) {
      const known = this.vertices.get(told.digest)
      const vertex = known ?? { ...told, index: this.vertices.size + 1, statuses: new Map(), lines: [], shown: 0 }
      Object.assign(vertex, told)
      this.vertices.set(told.digest, vertex)
      touched.add(vertex)
      if (told.completed !== undefined) this.#flush(vertex)
    }
    for (const told of status.statuses) {
      const vertex = this.vertices.get(told.vertex)
      if (vertex === undefined) continue
      vertex.statuses.set(told.id, told)
      touched.add(vertex)
    }
    for (const { vertex: digest, data, at } of status.logs) {
      const vertex = this.vertices.get(digest)
      if (vertex === undefined) continue
      this.#log(vertex, Buffer.from(data).toString(), at ?? 0)
      touched.add(vertex)
    }
    this.warnings.push(...status.warnings)
    return touched
  }

  get completed(): number {
    return [...this.vertices.values()].filter(({ completed }) => completed !== undefined).length
  }

  /** The first that failed by itself, not because another did. */
  get failed(): ShownVertex | undefined {
    return [...this.vertices.values()].find(({ error }) => error !== '' && !error.includes('context canceled'))
  }

  #log(vertex: ShownVertex, text: string, at: number): void {
    const parts = ((this.#partial.get(vertex.digest) ?? '') + text).split('\n')
    this.#partial.set(vertex.digest, parts.pop()!)
    const seconds = Math.max(0, (at - (vertex.started ?? at)) / 1000).toFixed(3)
    // What a carriage return has written over is gone.
    for (const part of parts) vertex.lines.push(`${seconds} ${part.replace(/\r$/, '').split('\r').at(-1)}`)
  }

  #flush(vertex: ShownVertex): void {
    const rest = this.#partial.get(vertex.digest) ?? ''
    this.#partial.delete(vertex.digest)
    if (rest !== '') this.#log(vertex, `${rest}\n`, vertex.completed ?? 0)
  }
}

/** Seconds that a vertex has taken. */
export function secondsOf({ started, completed }: { started: number | undefined; completed: number | undefined }, now = Date.now()): number {
  return started === undefined ? 0 : Math.max(0, ((completed ?? now) - started) / 1000)
}

/** "95B", "4.10kB / 1.20MB". */
export function amountOf({ current, total }: ShownStatus): string {
  if (total > 0) return ` ${amount(current)} / ${amount(total)}`
  return current > 0 ? ` ${amount(current)}` : ''
}

function amount(bytes: number): string {
  const units = ['B', 'kB', 'MB', 'GB', 'TB']
  let value = bytes
  let unit = 0
  while (value >= 1000 && unit < units.length - 1) {
    value /= 1000
    unit += 1
  }
  return unit === 0 ? `${value}B` : `${value.toFixed(2)}${units[unit]}`
}
