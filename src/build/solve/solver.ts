import { GantryError, messageOf } from '../../lib/errors.ts'
import { hostPlatform } from '../../containerd/distribution/platform.ts'
import { platformText } from '../plan/platform.ts'
import { BuildError } from '../build-error.ts'
import { chainOf, type CachedStep, type Stack } from '../cache/build-cache.ts'
import type { DebugTerminal, RunStep } from '../contract.ts'
import type { ContextArchive } from '../context/archive/context-archive.ts'
import type { CopyOptions } from '../copy/contract.ts'
import type { CopyStep, DirectoryStep, ImageStep, RunStepPlan, Step, TreeStep } from '../plan/contract.ts'
import type { BuildJob, BuildRoom } from './build-room.ts'
import { holdImage } from './hold-image.ts'
import { makeDirectory } from './make-directory.ts'
import { openRunMounts, type StepTrees } from './run-mounts.ts'
import { copyInputsKey, copyKey, directoryKey, runKey } from './step-key.ts'
import { makeLayer } from './step-layer.ts'
import { openSnapshot, OpenTrees, prepareSnapshot } from './trees.ts'
import { LiveVertex } from './vertices.ts'

export interface SolvedStep {
  stack: Stack
  /** Milliseconds since the epoch at which its layer was made; undefined: not by a build. */
  created: number | undefined
  /** Of its cache record. */
  key?: string
  vertex: string
}

type OwnStep = RunStepPlan | CopyStep | DirectoryStep

/** Failures that a vertex was told of. */
const told = new WeakSet<Error>()

/** Solves the steps of one build, each once, those that do not need each other at once. */
export class Solver implements StepTrees {
  readonly #room: BuildRoom
  readonly #job: BuildJob
  readonly #trees: OpenTrees
  readonly #solved = new Map<Step, Promise<SolvedStep>>()
  readonly #twins = new Map<string, { target: string; solved: Promise<SolvedStep> }>()

  constructor(room: BuildRoom, job: BuildJob) {
    this.#room = room
    this.#job = job
    this.#trees = new OpenTrees(room, job)
  }

  solve(step: Step): Promise<SolvedStep> {
    let solved = this.#solved.get(step)
    if (solved === undefined) {
      solved = this.#solve(step)
      // Who waits for it hears of it; that nobody does yet is no failure of its own.
      solved.catch(() => undefined)
      this.#solved.set(step, solved)
    }
    return solved
  }

  /** Settles when nothing goes on any more. */
  async idle(): Promise<void> {
    for (let count = -1; count !== this.#solved.size; ) {
      count = this.#solved.size
      await Promise.allSettled(this.#solved.values())
    }
  }

  async rootOf(step: Step): Promise<string> {
    if (step.kind === 'tree') {
      await this.#archiveOf(step)?.unpack()
      return step.root
    }
    return await this.#trees.path(await this.chainIdOf(step))
  }

  async chainIdOf(step: Step): Promise<string | undefined> {
    return chainOf((await this.solve(step)).stack)
  }

  #archiveOf(step: Step): ContextArchive | undefined {
    const { context } = this.#job.request
    return step.kind === 'tree' && step.root === context?.root ? context.archive : undefined
  }

  async #solve(step: Step): Promise<SolvedStep> {
    switch (step.kind) {
      case 'scratch':
        return { stack: [], created: undefined, vertex: '' }
      case 'image':
        return await this.#image(step)
      case 'tree':
        return await this.#own(wholeTree(step))
      default:
        return await this.#own(step)
    }
  }

  async #image(step: ImageStep): Promise<SolvedStep> {
    const vertex = new LiveVertex(this.#job, { name: step.name, ...(step.instruction && { step: step.instruction }), ...(step.lines && { lines: step.lines }), ...(step.target !== undefined && { salt: step.target }) })
    const stack = step.stack ?? (await holdImage(this.#room, this.#job, step.image.id))
    vertex.end({ result: step.image.id })
    return { stack, created: undefined, vertex: vertex.id }
  }

  async #own(step: OwnStep): Promise<SolvedStep> {
    const inputs = await Promise.all(inputsOf(step).map(async (input, at) => (at > 0 && input.kind === 'tree' ? undefined : await this.solve(input))))
    const below = inputs[0]!
    const { instruction, lines } = step
    const vertex = new LiveVertex(this.#job, { name: step.name, inputs: inputs.flatMap((input) => input?.vertex || []), ...(instruction && { step: instruction }), ...(lines && { lines }), ...(step.target !== undefined && { salt: step.target }) })
    try {
      this.#job.signal.throwIfAborted()
      const key = await this.#key(step, below.stack, vertex)
      return await this.#withTwin(step, key, () => this.#finish(step, { key, below: below.stack, vertex }))
    } catch (error) {
      const failure = this.#job.signal.aborted && !(error instanceof BuildError) ? this.#job.signal.reason : error
      // A twin that failed has told so itself.
      if (!(error instanceof BuildError && told.has(error))) vertex.end({ error: messageOf(failure) })
      throw this.#failed(failure, step)
    }
  }

  #failed(failure: unknown, step: Step): unknown {
    if (!(failure instanceof GantryError)) return failure
    const error = withStep(failure, step)
    told.add(error)
    return error
  }

  /** What several platforms have in common, a compiler's stage, is done and shown once. */
  async #withTwin(step: OwnStep, key: string, act: () => Promise<SolvedStep>): Promise<SolvedStep> {
    if (step.target === undefined) return await act()
    const twin = this.#twins.get(key)
    if (twin !== undefined && twin.target !== step.target) return await twin.solved
    const solved = act()
    solved.catch(() => undefined)
    this.#twins.set(key, { target: step.target, solved })
    return await solved
  }

  async #finish(step: OwnStep, { key, below, vertex }: { key: string; below: Stack; vertex: LiveVertex }): Promise<SolvedStep> {
    const { stack, created, cached } = await this.#once(key, step, () => this.#cachedOrMade(step, { key, below, vertex }))
    vertex.end({ cached, result: chainOf(stack)! })
    return { stack, created, key, vertex: vertex.id }
  }

  /** Two builds that come to the same step at once: the second takes what the first has made. */
  async #once<Result>(key: string, step: OwnStep, act: () => Promise<Result>): Promise<Result> {
    const { underWay } = this.#room
    if (!step.ignoreCache) await this.#others(key)
    const made = act()
    const settled = made.then(() => undefined, () => undefined)
    underWay.set(key, settled)
    try {
      return await made
    } finally {
      if (underWay.get(key) === settled) underWay.delete(key)
    }
  }

  async #others(key: string): Promise<void> {
    const { underWay } = this.#room
    const ended = aborted(this.#job.signal)
    while (underWay.has(key)) {
      await Promise.race([underWay.get(key), ended])
      this.#job.signal.throwIfAborted()
    }
  }

  async #cachedOrMade(step: OwnStep, { key, below, vertex }: { key: string; below: Stack; vertex: LiveVertex }): Promise<CachedStep & { cached: boolean }> {
    const { cache } = this.#room
    const known = step.ignoreCache ? undefined : ((await cache.find(key, below, (letGo) => this.#job.cleanups.push(letGo))) ?? (await this.#job.imports?.find(key, below, step.name)))
    if (known !== undefined) return { ...known, cached: true }
    vertex.start()
    const stack = [...below, await this.#make(step, below, vertex)]
    const created = Date.now()
    cache.add({ key, type: step.kind === 'copy' && step.sources.some(({ kind }) => kind === 'git') ? 'source.git.checkout' : 'regular', description: step.name, stack, created })
    return { stack, created, cached: false }
  }

  async #make(step: OwnStep, below: Stack, vertex: LiveVertex): Promise<Stack[number]> {
    const independent = step.kind === 'copy' && step.link
    const { key, remove } = await prepareSnapshot(this.#room, independent ? undefined : chainOf(below))
    try {
      const archive = step.kind === 'run' ? await this.#run(step, key, vertex) : await this.#change(step, { key, vertex, isOnNothing: independent || below.length === 0 })
      return await makeLayer(this.#room, this.#job, { key, parent: below, independent, ...(archive && { archive }) })
    } finally {
      await remove()
    }
  }

  async #run(step: RunStepPlan, key: string, vertex: LiveVertex): Promise<undefined> {
    const { request, signal } = this.#job
    const opened = await openRunMounts(this.#room, this.#job, { step, trees: this })
    try {
      const { argv, env, proxy, cwd, user, network, privileged } = step
      const config = { Env: [...env, ...proxy, ...opened.env], Entrypoint: argv, Cmd: [], WorkingDir: cwd, User: user }
      const run = { key, config, defaults: request.run, network, privileged, mounts: opened.mounts }
      const { exitCode, oomKilled } = await this.#room.runner.run(run, (stream, data) => vertex.log(stream, data), signal).catch((error: unknown) => {
        throw notRun(foreignFailure(error, step), step)
      })
      signal.throwIfAborted()
      if (exitCode === 0) return undefined
      const reason = oomKilled ? ': cannot allocate memory' : ''
      const failure = `process ${JSON.stringify(argv.join(' '))} did not complete successfully: exit code: ${exitCode}${reason}`
      const terminal = request.debug?.({ name: step.name, failure })
      if (terminal !== undefined) await this.#debug({ ...run, config: { ...config, Entrypoint: ['/bin/sh'], Env: [...config.Env, 'TERM=xterm'], Tty: true, OpenStdin: true } }, terminal)
      throw new BuildError(failure, step, { status: exitCode })
    } finally {
      await opened.close()
    }
  }

  /** What goes wrong there is told there: the step's own failure is the build's. */
  async #debug(run: RunStep, terminal: DebugTerminal): Promise<void> {
    try {
      await this.#room.runner.shell(run, terminal, this.#job.signal)
    } catch (error) {
      await terminal.output(Buffer.from(`cannot open a shell: ${messageOf(error)}\r\n`))
    } finally {
      terminal.close()
    }
  }

  /** COPY, ADD and WORKDIR are done by the engine itself. @returns the layer, where that is known without having been done */
  async #change(step: CopyStep | DirectoryStep, { key, vertex, isOnNothing }: { key: string; vertex: LiveVertex; isOnNothing: boolean }): Promise<Iterable<Uint8Array> | undefined> {
    const tree = await openSnapshot(this.#room, key)
    try {
      if (step.kind === 'copy') return await this.#room.copier.copyInto(step, tree.path, { ...this.#copyOptions(vertex), asArchive: isOnNothing || tree.upper !== undefined, ...(tree.upper !== undefined && { upper: tree.upper }) })
      makeDirectory(this.#room.kernel, tree.path, step)
      return undefined
    } finally {
      await tree.close()
    }
  }

  async #key(step: OwnStep, below: Stack, vertex: LiveVertex): Promise<string> {
    const common = { parent: chainOf(below), sourceDateEpoch: this.#job.request.sourceDateEpoch }
    if (step.kind === 'directory') return directoryKey(step, common)
    if (step.kind === 'copy') return copyKey(step, { ...common, content: await this.#copyDigest(step, vertex) })
    const sources = await Promise.all(step.mounts.map(async (mount) => ('from' in mount && mount.from !== undefined ? await this.#mountSource(mount.from, mount.source, vertex) : undefined)))
    return runKey(step, { ...common, sources, defaults: this.#job.request.run })
  }

  async #copyDigest(step: CopyStep, vertex: LiveVertex): Promise<string> {
    const { database } = this.#room.cache
    const chains = await Promise.all(step.sources.map(async (source) => (source.kind === 'inline' ? 'inline' : source.kind === 'files' && source.from.kind !== 'tree' ? ((await this.chainIdOf(source.from)) ?? 'scratch') : undefined)))
    const memo = copyInputsKey(step, chains)
    const known = memo === undefined ? undefined : database.digest(memo)
    const digest = known ?? (await this.#room.copier.copyDigest(step, this.#copyOptions(vertex)).catch((error: unknown) => {
      throw notThere(error, this.#job.id)
    }))
    if (memo !== undefined) database.putDigest(memo, digest, Date.now())
    return digest
  }

  /** A layer is known by its chain id; of a context the mounted files are looked at. */
  async #mountSource(from: Step, pattern: string, vertex: LiveVertex): Promise<string> {
    if (from.kind !== 'tree') return (await this.chainIdOf(from)) ?? 'scratch'
    const copy: CopyStep = { ...wholeTree(from), sources: [{ kind: 'files', from, pattern, unpack: false }] }
    return await this.#room.copier.copyDigest(copy, this.#copyOptions(vertex))
  }

  #copyOptions(vertex: LiveVertex): CopyOptions {
    const { signal, request } = this.#job
    return {
      rootOf: (step) => this.rootOf(step),
      archiveOf: (step) => this.#archiveOf(step),
      disposable: (step) => step.kind === 'tree' && request.context?.disposable === true && step.root === request.context.root,
      progress: (status) => vertex.status(status),
      signal,
      ...(request.sourceDateEpoch !== undefined && { sourceDateEpoch: request.sourceDateEpoch }),
    }
  }
}

/** What a step needs, the tree below it first. */
function inputsOf(step: OwnStep): Step[] {
  if (step.kind === 'directory') return [step.parent]
  if (step.kind === 'copy') return [step.parent, ...step.sources.flatMap((source) => (source.kind === 'files' ? [source.from] : []))]
  return [step.parent, ...step.mounts.flatMap((mount) => ('from' in mount && mount.from !== undefined ? [mount.from] : []))]
}

/** A stage that begins from a context has all of it. */
function wholeTree(step: TreeStep): CopyStep {
  const parent: Step = { kind: 'scratch', name: 'scratch', ignoreCache: false }
  return { kind: 'copy', name: step.name, ignoreCache: step.ignoreCache, parent, link: false, destination: '/', sources: [{ kind: 'files', from: step, pattern: '.', unpack: false }], chown: '', parents: false, excludes: [] }
}

/** Docker's text, and what is behind it: what the base image has was made for another machine. */
function foreignFailure(error: unknown, step: RunStepPlan): unknown {
  if (!(error instanceof GantryError) || !/exec format error/i.test(error.message)) return error
  const [wanted, here] = [platformText(step.platform), platformText(hostPlatform)]
  if (wanted === here) return error
  return new BuildError(`process ${JSON.stringify(step.argv.join(' '))} did not complete successfully: exec format error: the step runs programs of ${wanted}, which this host (${here}) has no emulator for in binfmt_misc; do it in a stage that begins FROM --platform=$BUILDPLATFORM`, step, { cause: error })
}

/** BuildKit's words, which people look for. */
function notThere(error: unknown, job: string): unknown {
  if (!(error instanceof GantryError) || !/^"[^"]*": not found/.test(error.message)) return error
  return new GantryError(error.kind, `failed to compute cache key: failed to calculate checksum of ref ${job}: ${error.message}`, { cause: error })
}

/** Why a process could not be begun, without the names of all that it went through. */
function notRun(error: unknown, step: RunStepPlan): unknown {
  if (!(error instanceof GantryError) || error instanceof BuildError || ['Unavailable', 'System'].includes(error.kind) && error.message === 'context canceled') return error
  const reason = error.message.replace(/^failed to create task for container: .*?(?:error during container init: |unable to start container process: (?=exec))/s, '')
  return new BuildError(`process ${JSON.stringify(step.argv.join(' '))} did not complete successfully: ${reason.replace(/: unknown$/, '')}`, step, { cause: error })
}

function withStep(error: GantryError, step: Step): GantryError {
  return error instanceof BuildError ? error : new BuildError(error.message, step, { cause: error })
}

async function aborted(signal: AbortSignal): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>()
  if (signal.aborted) resolve()
  signal.addEventListener('abort', () => resolve(), { once: true })
  await promise
}
