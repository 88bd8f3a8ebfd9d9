import { createHash } from 'node:crypto'
import { messageOf } from '../../lib/errors.ts'
import type { Vertex } from '../contract.ts'
import type { BuildJob } from './build-room.ts'

export interface NewVertex {
  name: string
  inputs?: readonly string[]
  step?: Vertex['step']
  lines?: Vertex['lines']
  /** Tells apart what has the same name and stands on the same. */
  salt?: string
}

/** Something of a build that is shown to its client while it goes on. */
export class LiveVertex {
  readonly #job: BuildJob
  #vertex: Vertex

  constructor(job: BuildJob, { name, inputs = [], step, lines, salt = '' }: NewVertex) {
    this.#job = job
    const id = `sha256:${createHash('sha256').update(`${job.id}\0${name}\0${inputs.join(' ')}\0${lines?.start ?? ''}\0${salt}`).digest('hex')}`
    this.#vertex = { id, name, inputs, cached: false, ...(step && { step }), ...(lines && { lines }) }
  }

  get id(): string {
    return this.#vertex.id
  }

  tell(change: Partial<Vertex> = {}): void {
    this.#vertex = { ...this.#vertex, ...change }
    this.#job.report.vertex(this.#vertex)
  }

  start(): void {
    this.tell({ started: Date.now() })
  }

  end(change: Partial<Vertex> = {}): void {
    const now = Date.now()
    this.tell({ started: this.#vertex.started ?? now, completed: now, ...change })
  }

  log(stream: 1 | 2, data: Uint8Array): void {
    this.#job.report.log({ vertex: this.id, stream, data, at: Date.now() })
  }

  status(status: { id: string; current: number; total: number; started?: number; completed?: number }): void {
    this.#job.report.status({ vertex: this.id, at: Date.now(), ...status })
  }

  /** Tells of the beginning, the end, and the failure. */
  async during<Result>(act: () => Promise<Result>): Promise<Result> {
    this.start()
    try {
      const result = await act()
      this.end()
      return result
    } catch (error) {
      this.end({ error: messageOf(error) })
      throw error
    }
  }
}
