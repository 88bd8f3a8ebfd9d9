import { DockerfileError } from '../dockerfile/dockerfile-error.ts'
import type { Dockerfile, Stage } from '../dockerfile/dockerfile.ts'
import { expandWord } from '../dockerfile/expand.ts'
import type { ArgInstruction, Instruction } from '../dockerfile/instruction.ts'
import { suggestion } from '../dockerfile/suggestion.ts'
import type { Plan, Platform, Step } from './contract.ts'
import type { PlanOptions } from './options.ts'
import { parsePlatform } from './platform.ts'
import { platformArgs } from './scope.ts'
import { shownName } from './shown-name.ts'
import { planInstructions } from './plan-instructions.ts'
import { derivedState, emptyState, imageState } from './stage-state.ts'
import type { StageState } from './stage-state.ts'
import { StepNames } from './step-names.ts'

/** Plans one platform. Only stages that the target needs are planned, and each once. @throws DockerfileError */
export async function planBuild(dockerfile: Dockerfile, options: PlanOptions): Promise<Plan> {
  const planner = new Planner(dockerfile, options)
  const state = await planner.stage(planner.target())
  const { config, root, history, base, author, platform } = state
  const labels = { ...config.Labels, ...options.request.labels }
  const plan: Plan = { platform, root, config: Object.keys(labels).length > 0 ? { ...config, Labels: labels } : config, history, base, warnings: [], stages: planner.planned() }
  if (author !== undefined) plan.author = author
  return plan
}

export class Planner {
  readonly dockerfile: Dockerfile
  readonly options: PlanOptions
  readonly #stages = new Map<number, Promise<StageState>>()
  readonly #images = new Map<string, Promise<StageState>>()
  readonly #trees = new Map<string, Step>()

  constructor(dockerfile: Dockerfile, options: PlanOptions) {
    this.dockerfile = dockerfile
    this.options = options
  }

  target(): Stage {
    const { stages } = this.dockerfile
    const { target } = this.options.request
    if (target === undefined || target === '') return stages.at(-1)!
    const found = this.#find(target, stages.length)
    if (found !== undefined) return found
    throw new DockerfileError(`target stage ${JSON.stringify(target)} could not be found${suggestion(target, stages.flatMap(({ from }) => from.name ?? []))}`, 0)
  }

  /** Indices of the stages that were planned, in order. */
  planned(): number[] {
    return [...this.#stages.keys()].toSorted((one, other) => one - other)
  }

  stage(stage: Stage): Promise<StageState> {
    let planned = this.#stages.get(stage.index)
    if (planned === undefined) {
      planned = this.#plan(stage)
      this.#stages.set(stage.index, planned)
    }
    return planned
  }

  /** What `--from=` names: an earlier stage, by name or index; a named context; else an image. */
  async from(name: string, { before, line, platform }: { before: number; line: number; platform: Platform }): Promise<Step> {
    const named = await this.#named(name, { platform, before })
    if (named !== undefined) return named.root
    const stage = this.#find(name, before)
    if (stage !== undefined) return (await this.stage(stage)).root
    if (/^\d+$/.test(name)) throw new DockerfileError(`invalid stage index ${name}: there are ${before} stages before this one`, line)
    const itself = this.dockerfile.stages[before]
    if (itself?.from.name?.toLowerCase() === name.toLowerCase()) throw new DockerfileError(`circular dependency detected on stage: ${itself.name}`, line)
    return (await this.#image(name, { platform, line })).root
  }

  /** The main context. */
  async context(): Promise<Step> {
    const { context } = this.options.request
    await context?.ready?.()
    return this.#tree('context', context?.root)
  }

  globalVariables(target: Platform): Map<string, string> {
    const { request, own } = this.options
    const variables = new Map<string, string>(Object.entries(platformArgs({ build: own, target, stage: request.target || 'default' })))
    for (const instruction of this.dockerfile.globalArgs) this.#declare(variables, instruction)
    return variables
  }

  #declare(variables: Map<string, string>, { args, start }: ArgInstruction): void {
    for (const { name, value } of args) {
      const given = this.options.request.buildArgs[name]
      const result = given ?? (value === undefined ? undefined : this.#expand(value, { variables, line: start }))
      if (result !== undefined) variables.set(name, result)
    }
  }

  #expand(text: string, { variables, line }: { variables: ReadonlyMap<string, string>; line: number }): string {
    try {
      return expandWord(text, { escape: this.dockerfile.escape, variables: (name) => variables.get(name), unset: (name) => this.options.unset?.(name, line) })
    } catch (error) {
      throw new DockerfileError(`failed to process ${JSON.stringify(text)}: ${error instanceof Error ? error.message : String(error)}`, line, { cause: error })
    }
  }

  #find(name: string, before: number): Stage | undefined {
    const earlier = this.dockerfile.stages.slice(0, before)
    const byName = earlier.findLast(({ from }) => from.name?.toLowerCase() === name.toLowerCase())
    if (byName !== undefined) return byName
    return /^\d+$/.test(name) ? earlier[Number(name)] : undefined
  }

  async #plan(stage: Stage): Promise<StageState> {
    const { from } = stage
    const variables = this.globalVariables(this.options.platform)
    const platform = from.platform === undefined ? this.options.platform : this.#platform(this.#expand(from.platform, { variables, line: from.start }), from.start)
    const name = this.#expand(from.image, { variables, line: from.start })
    if (name === '') throw new DockerfileError('base name (' + from.image + ') should not be blank', from.start)
    const earlier = this.#find(name, stage.index)
    const named = await this.#named(name, { platform, before: stage.index })
    const ownRoot = named === undefined && earlier === undefined && name !== 'scratch'
    const names = new StepNames(stage, { alone: this.dockerfile.stages.length === 1 && !stage.instructions.some(readsElsewhere), platform: this.options.severalPlatforms ? platform : undefined, target: this.options.platform, ownRoot })
    const base = named ?? (earlier === undefined ? await this.#base(name, { platform, line: from.start, names }) : await this.stage(earlier))
    const triggers = base.base !== undefined && ownRoot ? (base.base.config.OnBuild ?? []) : earlier !== undefined ? (base.config.OnBuild ?? []) : []
    const state = ownRoot || name === 'scratch' ? base : derivedState(base)
    await planInstructions(this, { stage, state, names, triggers })
    return state
  }

  #platform(text: string, line: number): Platform {
    try {
      return parsePlatform(text, this.options.own)
    } catch (error) {
      throw new DockerfileError(`failed to parse platform ${text}: ${error instanceof Error ? error.message : String(error)}`, line, { cause: error })
    }
  }

  /** A stage's own copy of an image's state: stages change theirs. */
  async #base(name: string, { platform, line, names }: { platform: Platform; line: number; names: StepNames }): Promise<StageState> {
    if (name === 'scratch') return emptyState({ kind: 'scratch', name: 'scratch', ignoreCache: false }, platform)
    const { image, reference, stack } = await this.#resolve(name, { platform, line })
    const titled = names.next(`FROM ${reference}`)
    return imageState({ kind: 'image', image, reference, lines: { start: line, end: line }, ignoreCache: false, ...(stack && { stack }), ...titled }, { image, platform })
  }

  #image(name: string, { platform, line }: { platform: Platform; line: number }): Promise<StageState> {
    const key = `${name} ${platform.os}/${platform.architecture}/${platform.variant ?? ''}`
    let found = this.#images.get(key)
    if (found === undefined) {
      found = this.#resolve(name, { platform, line }).then(({ image, reference, stack }) =>
        imageState({ kind: 'image', image, reference, ...(stack && { stack }), name: `FROM ${reference}`, lines: { start: line, end: line }, ignoreCache: false }, { image, platform }),
      )
      this.#images.set(key, found)
    }
    return found
  }

  async #resolve(name: string, { platform, line }: { platform: Platform; line: number }): ReturnType<PlanOptions['image']> {
    try {
      return await this.options.image(name, platform)
    } catch (error) {
      throw new DockerfileError(`${name}: failed to resolve source metadata for ${shownName(name)}: ${error instanceof Error ? error.message : String(error)}`, line, { cause: error })
    }
  }

  /** --build-context replaces stages and images of its name. */
  async #named(name: string, { platform, before }: { platform: Platform; before: number }): Promise<StageState | undefined> {
    const context = this.options.request.namedContexts.get(name.toLowerCase())
    if (context === undefined) return undefined
    if (context.kind === 'image') return await this.#image(context.reference, { platform, line: 0 })
    if (context.kind === 'tree') {
      await context.context.ready?.()
      return emptyState(this.#tree(name, context.context.root), platform)
    }
    if (context.kind === 'stage') {
      const stage = this.#find(context.stage, before)
      if (stage === undefined) throw new DockerfileError(`failed to find target ${context.stage} of context ${name}: only earlier stages can be used`, 0)
      return await this.stage(stage)
    }
    return await this.#image(`oci-layout://${context.store}@${context.digest}`, { platform, line: 0 })
  }

  #tree(context: string, root: string | undefined): Step {
    let step = this.#trees.get(context)
    if (step === undefined) {
      const name = context === 'context' ? '[internal] load build context' : `[context ${context}] load from client`
      step = root === undefined ? { kind: 'scratch', name, ignoreCache: false } : { kind: 'tree', root, context, name, ignoreCache: false }
      this.#trees.set(context, step)
    }
    return step
  }
}

/** What a step reads beside its own stage is another stage to BuildKit, also where it is none of the file: then the only one has its number. */
function readsElsewhere(instruction: Instruction): boolean {
  if (instruction.kind === 'run') return instruction.mounts.length > 0
  return (instruction.kind === 'copy' || instruction.kind === 'add') && instruction.from !== undefined
}
