import { randomBytes } from 'node:crypto'
import { mkdirSync, rmSync } from 'node:fs'
import { statfs } from 'node:fs/promises'
import { join } from 'node:path'
import { directorySize } from '../containerd/snapshots/tree/directory-size.ts'
import { GantryError } from '../lib/errors.ts'
import { BuildCache } from './cache/build-cache.ts'
import { CacheMounts } from './cache/cache-mounts.ts'
import { checkCacheSpecs, exportCaches } from './cache/export-cache.ts'
import { CacheImports } from './cache/import-cache.ts'
import { listCache, pruneCache, selectCache, type CacheRoom } from './cache/usage.ts'
import { checkDockerfile, checkFailure } from './checks/check-dockerfile.ts'
import { pruneSources } from './copy/kept-sources.ts'
import type { Builder, BuildReport, BuildRequest, BuildResult, PruneCache } from './contract.ts'
import { parseDockerfile, type Dockerfile } from './dockerfile/dockerfile.ts'
import { exportBuild } from './export/export.ts'
import type { Plan, Platform } from './plan/contract.ts'
import type { PlanOptions } from './plan/options.ts'
import { planBuild } from './plan/plan.ts'
import { shownName } from './plan/shown-name.ts'
import { parsePlatform, platformText } from './plan/platform.ts'
import type { BuildJob, BuildRoom } from './solve/build-room.ts'
import { layoutImage, layoutReference } from './solve/layout-image.ts'
import { Solver } from './solve/solver.ts'
import { LiveVertex } from './solve/vertices.ts'

export interface OpenBuilder extends Omit<BuildRoom, 'cache' | 'cacheMounts' | 'underWay' | 'scratchDir'> {
  /** `<data-root>/build` */
  root: string
  /** What builds. */
  own: Platform
  /** What is pruned after builds, one after the other; none: the cache grows. */
  gc?: readonly PruneCache[]
  tagged: (imageId: string, name: string) => void
  push: (name: string, job: BuildJob) => Promise<void>
}

/** Milliseconds. */
const betweenCollections = 60_000

/** Opens the build cache at once, so that what it holds is held before the image store sweeps. */
export function openBuilder(options: OpenBuilder): Builder {
  const { root, core, log } = options
  mkdirSync(root, { recursive: true, mode: 0o711 })
  const scratchDir = join(root, 'scratch')
  rmSync(scratchDir, { recursive: true, force: true })
  mkdirSync(scratchDir, { mode: 0o700 })
  const cache = new BuildCache(root, core)
  const cacheMounts = new CacheMounts(join(root, 'cache-mounts'), cache.database)
  const room: BuildRoom = { ...options, scratchDir, cache, cacheMounts, underWay: new Map() }
  const freeSpace = async (): Promise<number> => {
    const { bavail, bsize } = await statfs(root)
    return bavail * bsize
  }
  const cacheRoom: CacheRoom = { cache, mounts: cacheMounts, core, sizeOf: directorySize, freeSpace }
  const running = new Set<Promise<unknown>>()
  const closing = new AbortController()
  let collected = 0
  /** To look at the size of everything takes a while: nobody waits for it, and it is not done after each of many builds. */
  const collect = (): void => {
    const { gc = [] } = options
    if (gc.length === 0 || running.size > 0 || closing.signal.aborted || Date.now() - collected < betweenCollections) return
    collected = Date.now()
    const collecting = pruneInOrder(cacheRoom, gc)
      .catch((error: unknown) => log(`cannot cut the build cache: ${String(error)}`))
      .finally(() => running.delete(collecting))
    running.add(collecting)
  }
  return {
    async build(request, report, signal) {
      const end = await core.works.begin()
      const built = buildOne(options, room, { request, report, signal: AbortSignal.any([signal, closing.signal]) })
      const settled = built.catch(() => undefined)
      running.add(settled)
      try {
        return await built
      } finally {
        end()
        running.delete(settled)
        collect()
      }
    },
    async usage(filters = new Map()) {
      return selectCache(await listCache(cacheRoom), filters).map(({ owner: _owner, ...record }) => record)
    },
    async prune(prune) {
      const pruned = await pruneCache(cacheRoom, prune)
      // Downloads and repositories are no records: they go with all of them, while no build is reading any.
      if (prune.all && prune.filters.size === 0 && prune.keepStorage === undefined && running.size === 0) pruned.SpaceReclaimed += await pruneSources(join(root, 'sources'), { before: Date.now() })
      return pruned
    },
    async close() {
      closing.abort(new GantryError('Unavailable', 'the engine is stopping'))
      await Promise.allSettled(running)
      cache.close()
    },
  }
}

async function pruneInOrder(room: CacheRoom, rules: readonly PruneCache[]): Promise<void> {
  for (const rule of rules) await pruneCache(room, rule)
}

interface OneBuild {
  request: BuildRequest
  report: BuildReport
  signal: AbortSignal
}

async function buildOne(options: OpenBuilder, room: BuildRoom, { request, report, signal }: OneBuild): Promise<BuildResult> {
  signal.throwIfAborted()
  const dockerfile = parseDockerfile(request.dockerfile.text)
  const failing = new AbortController()
  const job: BuildJob = { id: randomBytes(16).toString('hex'), request, report, signal: AbortSignal.any([signal, failing.signal]), cleanups: [] }
  const solver = new Solver(room, job)
  try {
    return await planAndSolve(options, room, { job, dockerfile, solver })
  } catch (error) {
    failing.abort(error)
    throw signal.aborted ? cancelled(signal) : error
  } finally {
    // Steps that go on are ended before what they stand on is taken away.
    await solver.idle()
    for (const cleanup of job.cleanups.toReversed()) await attempt(room, cleanup)
  }
}

async function planAndSolve(options: OpenBuilder, room: BuildRoom, { job, dockerfile, solver }: { job: BuildJob; dockerfile: Dockerfile; solver: Solver }): Promise<BuildResult> {
  const { request } = job
  const { own, tagged, push } = options
  const started = Date.now()
  checkCacheSpecs(request)
  const asked = request.platforms.map((text) => parsePlatform(text, own))
  const platforms = asked.length === 0 ? [own] : [...new Map(asked.map((platform) => [platformText(platform), platform])).values()]
  const unset: { name: string; line: number }[] = []
  const plans: Plan[] = []
  for (const platform of platforms) {
    plans.push(
      await planBuild(dockerfile, {
        request,
        platform,
        own,
        severalPlatforms: platforms.length > 1,
        unset: (name, line) => unset.push({ name, line }),
        image: (reference, wanted) => resolveImage(room, job, { reference, platform: wanted, explicit: asked.length > 0 || platformText(wanted) !== platformText(own) }),
      }),
    )
  }
  const [first] = plans
  const warnings = [...plans.flatMap((plan) => plan.warnings), ...checkDockerfile(dockerfile, { request, unset, ...(request.context?.ignored && { ignored: request.context.ignored }), ...(!request.checkOnly && { stages: first!.stages }) })]
  const told = [...new Map(warnings.map((warning) => [JSON.stringify(warning), warning])).values()]
  for (const warning of told) job.report.warning(warning)
  if (request.checkOnly) return { metadata: {}, warnings: told }
  const failure = checkFailure(dockerfile, { request }, told)
  if (failure !== undefined) throw failure
  job.report.plan?.(first!)
  job.imports = new CacheImports(room, job)
  await job.imports.open()
  const result = await exportBuild(room, job, { plans, own, solver, started, tagged, push })
  const cached = await exportCaches(room, job, { plans, solver })
  return { ...result, metadata: { ...result.metadata, ...cached }, warnings: told }
}

async function resolveImage(room: BuildRoom, job: BuildJob, { reference, platform, explicit }: { reference: string; platform: Platform; explicit: boolean }): ReturnType<PlanOptions['image']> {
  const layout = layoutReference(reference)
  if (layout !== undefined) return await layoutImage(room, job, { ...layout, platform })
  const vertex = new LiveVertex(job, { name: `[internal] load metadata for ${shownName(reference)}` })
  return await vertex.during(() =>
    room.images.resolve({
      reference,
      platform,
      explicit,
      pull: job.request.pull,
      credentials: (host) => job.request.credentials(host),
      progress: ({ id, text, current, total }) => vertex.status({ id: id === '' ? text : `${id} ${text}`, current, total }),
      signal: job.signal,
    }),
  )
}

/** The reason that the caller gave, or the word for none. */
function cancelled({ reason }: AbortSignal): unknown {
  return reason instanceof GantryError ? reason : new GantryError('System', 'context canceled', { cause: reason })
}

async function attempt({ log }: BuildRoom, act: () => unknown): Promise<void> {
  try {
    await act()
  } catch (error) {
    log(`cannot clean up after a build: ${String(error)}`)
  }
}
