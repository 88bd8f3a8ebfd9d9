import { createHash } from 'node:crypto'
import type { BuildReport, Vertex } from '../../../build/contract.ts'
import { BuildError } from '../../../build/build-error.ts'
import type { Dockerfile } from '../../../build/dockerfile/dockerfile.ts'
import type { Plan, Step } from '../../../build/plan/contract.ts'
import type { ClassicMessage } from '../../types/builds.ts'

interface Instruction {
  text: string
  kind: string
  /** What was planned of it, triggers of a base image with its FROM. */
  steps: Step[]
}

interface Seen {
  vertex: Vertex
  /** Output that nobody was shown yet. */
  output: Uint8Array[]
}

/**
 * Shows a build as the builder without BuildKit did: one instruction after the other, in the order of the Dockerfile. Steps that are done
 * at the same time wait with their output until it is their turn.
 */
export class ClassicOutput implements BuildReport {
  readonly #dockerfile: Dockerfile
  readonly #tell: (message: ClassicMessage) => void
  readonly #removes: boolean
  readonly #seen = new Map<string, Seen>()
  #instructions: Instruction[] = []
  /** Instruction whose turn it is, and the step of it. */
  #at = 0
  #step = 0
  #begun = false
  #running: string | undefined
  #text = ''

  /** @param removes tells of containers that go: they always do, but who asked to keep them is not told so */
  constructor(dockerfile: Dockerfile, { tell, removes }: { tell: (message: ClassicMessage) => void; removes: boolean }) {
    this.#dockerfile = dockerfile
    this.#tell = tell
    this.#removes = removes
  }

  plan({ stages, root }: Plan): void {
    const byLine = new Map<number, Step[]>()
    for (const step of stepsOf(root)) if (step.lines !== undefined) byLine.set(step.lines.start, [...(byLine.get(step.lines.start) ?? []), step])
    this.#instructions = stages.flatMap((index) => {
      const stage = this.#dockerfile.stages[index]!
      return [stage.from, ...stage.instructions].map(({ original, kind, start }) => ({ text: original, kind, steps: byLine.get(start) ?? [] }))
    })
    this.#advance()
  }

  vertex(vertex: Vertex): void {
    const key = keyOf(vertex)
    const seen = this.#seen.get(key)
    if (seen === undefined) this.#seen.set(key, { vertex, output: [] })
    else seen.vertex = vertex
    this.#advance()
  }

  log({ vertex, data }: { vertex: string; data: Uint8Array }): void {
    const seen = [...this.#seen.values()].find((each) => each.vertex.id === vertex)
    seen?.output.push(data)
    this.#advance()
  }

  status({ vertex, id, current, total }: { vertex: string; id: string; current: number; total: number }): void {
    const loading = [...this.#seen.values()].find((each) => each.vertex.id === vertex)?.vertex.name.startsWith('[internal] load metadata')
    if (loading) this.#tell({ status: id, ...(total > 0 && { progressDetail: { current, total } }) })
  }

  warning(): void {}

  /** The last id is the image's. */
  finish(imageId: string | undefined): void {
    this.#advance()
    if (this.#begun && imageId !== undefined) this.#line(` ---> ${short(imageId)}`)
  }

  /** What a step has said before it failed. */
  fail(error: unknown): void {
    if (!(error instanceof BuildError)) return
    const at = this.#instructions.findIndex(({ steps }) => steps.includes(error.step))
    if (at < this.#at) return
    for (; this.#at < at; this.#next()) if (!this.#begun) this.#begin()
    if (!this.#begun) this.#begin()
    this.#show(error.step)
  }

  #advance(): void {
    for (;;) {
      const instruction = this.#instructions[this.#at]
      if (instruction === undefined) return
      if (!this.#begun) this.#begin()
      const step = instruction.steps[this.#step]
      if (step !== undefined) {
        if (!this.#show(step)) return
        this.#step++
        continue
      }
      // Its id is that of the image, which is not made yet.
      if (this.#at === this.#instructions.length - 1) return
      this.#line(` ---> ${this.#idOf(instruction)}`)
      this.#next()
    }
  }

  #begin(): void {
    const { text } = this.#instructions[this.#at]!
    this.#begun = true
    this.#text += `${text}\n`
    this.#stream(`Step ${this.#at + 1}/${this.#instructions.length} : ${text}`)
    this.#stream('\n')
  }

  #next(): void {
    this.#at++
    this.#step = 0
    this.#begun = false
    this.#running = undefined
  }

  /** @returns whether it has ended */
  #show(step: Step): boolean {
    const seen = this.#seen.get(keyOf(step))
    if (seen === undefined) return false
    const { vertex, output } = seen
    if (step.kind === 'run' && vertex.started !== undefined && !vertex.cached && this.#running !== vertex.id) {
      this.#running = vertex.id
      this.#line(` ---> Running in ${short(vertex.id)}`)
    }
    for (const data of output.splice(0)) this.#stream(Buffer.from(data).toString('utf8'))
    if (vertex.completed === undefined || vertex.error !== undefined) return false
    if (vertex.cached) this.#line(' ---> Using cache')
    else if (step.kind === 'run' && this.#removes) this.#line(` ---> Removed intermediate container ${short(vertex.id)}`)
    return true
  }

  /** Nobody made an image of it: the id stands for what has come about so far. FROM has that of its image. */
  #idOf({ kind, steps }: Instruction): string {
    if (kind === 'from') {
      const image = steps.find((step) => step.kind === 'image')
      return image === undefined ? '' : short(image.image.id)
    }
    return createHash('sha256').update(this.#text).digest('hex').slice(0, 12)
  }

  #line(text: string): void {
    this.#stream(`${text}\n`)
  }

  #stream(text: string): void {
    this.#tell({ stream: text })
  }
}

function keyOf({ name, lines }: Pick<Vertex, 'name' | 'lines'>): string {
  return `${lines?.start ?? ''} ${name}`
}

function short(id: string): string {
  return id.replace(/^sha256:/, '').slice(0, 12)
}

/** Every step that a root needs, those below first. */
function stepsOf(root: Step): Set<Step> {
  const found = new Set<Step>()
  const visit = (step: Step): void => {
    if (found.has(step)) return
    if ('parent' in step) visit(step.parent)
    if (step.kind === 'copy') for (const source of step.sources) if (source.kind === 'files') visit(source.from)
    if (step.kind === 'run') for (const mount of step.mounts) if ('from' in mount && mount.from !== undefined) visit(mount.from)
    found.add(step)
  }
  visit(root)
  return found
}
