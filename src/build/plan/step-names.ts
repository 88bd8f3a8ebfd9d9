import type { Stage } from '../dockerfile/dockerfile.ts'
import type { Instruction } from '../dockerfile/instruction.ts'
import type { Vertex } from '../contract.ts'
import type { Platform } from './contract.ts'
import { platformText } from './platform.ts'

const counted = new Set<Instruction['kind']>(['run', 'copy', 'add', 'workdir'])

/** Counts the steps of a stage: "[build 2/3] RUN make". */
export class StepNames {
  readonly #total: number
  readonly #prefix: string
  readonly #stage: string
  readonly #target: string | undefined
  #index = 0

  constructor(stage: Stage, { alone, platform, target, ownRoot }: { alone: boolean; platform: Platform | undefined; target?: Platform; ownRoot: boolean }) {
    this.#target = platform === undefined || target === undefined ? undefined : platformText(target)
    this.#total = stage.instructions.filter(({ kind }) => counted.has(kind)).length + (ownRoot ? 1 : 0)
    this.#stage = stage.from.name === undefined ? (alone ? '' : `stage-${stage.index}`) : stage.name
    this.#prefix = [...(platform === undefined ? [] : [platformText(platform)]), ...(this.#stage === '' ? [] : [this.#stage])].map((part) => `${part} `).join('')
  }

  next(text: string): { name: string; instruction: NonNullable<Vertex['step']>; target?: string } {
    // Triggers of a stage that has no instructions are not counted.
    if (this.#total === 0) return { name: text, instruction: { index: 0, total: 0, instruction: text, stage: this.#stage }, ...(this.#target !== undefined && { target: this.#target }) }
    this.#index++
    const index = String(this.#index).padStart(String(this.#total).length)
    return {
      name: `[${this.#prefix}${index}/${this.#total}] ${text}`,
      instruction: { index: this.#index, total: this.#total, instruction: text, stage: this.#stage },
      ...(this.#target !== undefined && { target: this.#target }),
    }
  }
}
