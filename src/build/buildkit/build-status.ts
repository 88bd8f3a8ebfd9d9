import { createHash, randomBytes } from 'node:crypto'
import type { StatusResponse } from '../../lib/buildkit/control-messages.ts'
import { messageOf } from '../../lib/errors.ts'
import type { BuildReport, BuildWarning, Vertex, VertexStatus } from '../contract.ts'

/** Output that is kept for who asks for the status late; the rest of a talkative step is lost to them only. */
const maxHistoryBytes = 8 * 1024 * 1024
/** What happens within this time goes in one message. */
const batchMilliseconds = 20

/** Collects what a build reports; any number of clients read it from the beginning. */
export class BuildStatus implements BuildReport {
  readonly #history: StatusResponse[] = []
  readonly #readers = new Set<() => void>()
  readonly #vertices = new Map<string, Vertex>()
  #pending: StatusResponse | undefined
  #bytes = 0
  #ended = false
  /** What warnings and errors are about. */
  source: { name: string; text: string } | undefined

  vertex(vertex: Vertex): void {
    this.#vertices.set(vertex.id, vertex)
    const { id, name, inputs, cached, started, completed, error } = vertex
    this.#batch().vertexes.push({ digest: id, name, inputs: [...inputs], cached, started, completed, error: error ?? '' })
  }

  status({ vertex, id, current, total, at, started, completed }: VertexStatus): void {
    this.#batch().statuses.push({ vertex, id, name: '', current, total, at, started, completed })
  }

  log({ vertex, stream, data, at }: Parameters<BuildReport['log']>[0]): void {
    this.#batch().logs.push({ vertex, stream, data, at })
    this.#bytes += data.length
  }

  warning(warning: BuildWarning): void {
    this.#batch().warnings.push({
      vertex: this.#definition(),
      level: 1,
      short: Buffer.from(`${warning.rule}: ${warning.detail}${warning.start > 0 ? ` (line ${warning.start})` : ''}`),
      detail: [Buffer.from(warning.description)],
      url: warning.url,
      info: this.source && { filename: this.source.name, data: Buffer.from(this.source.text), language: 'Dockerfile' },
      ranges: warning.start > 0 ? [rangeOf(warning)] : [],
    })
  }

  /** Does `work` as a vertex of this name. */
  async during<T>(name: string, work: (id: string) => Promise<T>): Promise<T> {
    const id = `sha256:${createHash('sha256').update(name).update(randomBytes(8)).digest('hex')}`
    const vertex: Vertex = { id, name, inputs: [], cached: false, started: Date.now() }
    this.vertex(vertex)
    try {
      const result = await work(id)
      this.vertex({ ...vertex, completed: Date.now() })
      return result
    } catch (error) {
      this.vertex({ ...vertex, completed: Date.now(), error: messageOf(error) })
      throw error
    }
  }

  /** The vertex that failed, undefined when none did. */
  get failed(): Vertex | undefined {
    return [...this.#vertices.values()].find(({ error }) => error !== undefined && error !== '' && !error.includes('context canceled'))
  }

  /** Everything that was told; of a talkative build without its oldest output. */
  get messages(): readonly StatusResponse[] {
    return this.#history
  }

  /** Steps by how they went. */
  get counts(): { total: number; completed: number; cached: number } {
    const vertices = [...this.#vertices.values()]
    return { total: vertices.length, completed: vertices.filter(({ completed }) => completed !== undefined).length, cached: vertices.filter(({ cached }) => cached).length }
  }

  end(): void {
    this.#flush()
    this.#ended = true
    for (const wake of this.#readers) wake()
  }

  async *read(signal: AbortSignal): AsyncGenerator<StatusResponse, void, undefined> {
    let wake = ignore
    const woken = (): void => wake()
    this.#readers.add(woken)
    signal.addEventListener('abort', woken)
    try {
      for (let next = 0; !signal.aborted; ) {
        if (next < this.#history.length) yield this.#history[next++]!
        else if (this.#ended) return
        else await new Promise<void>((resolve) => (wake = resolve))
      }
    } finally {
      this.#readers.delete(woken)
      signal.removeEventListener('abort', woken)
    }
  }

  #definition(): string {
    const vertices = [...this.#vertices.values()]
    return (vertices.find(({ name }) => name.startsWith('[internal] load build definition')) ?? vertices[0])?.id ?? ''
  }

  #batch(): StatusResponse {
    if (this.#pending === undefined) {
      this.#pending = { vertexes: [], statuses: [], logs: [], warnings: [] }
      setTimeout(() => this.#flush(), batchMilliseconds)
    }
    return this.#pending
  }

  #flush(): void {
    if (this.#pending === undefined) return
    this.#history.push(this.#pending)
    this.#pending = undefined
    for (let i = 0; this.#bytes > maxHistoryBytes && i < this.#history.length - 1; i++) {
      this.#bytes -= this.#history[i]!.logs.reduce((sum, { data }) => sum + data.length, 0)
      this.#history[i] = { ...this.#history[i]!, logs: [] }
    }
    for (const wake of this.#readers) wake()
  }
}

function ignore(): void {}

export function rangeOf({ start, end }: { start: number; end: number }): { start: { line: number; character: number }; end: { line: number; character: number } } {
  return { start: { line: start, character: 0 }, end: { line: end, character: 0 } }
}
