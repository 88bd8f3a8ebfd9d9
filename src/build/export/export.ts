import { GantryError } from '../../lib/errors.ts'
import { familiarString, parseReference } from '../../lib/reference.ts'
import { inlineKey, wantsInlineCache, type InlineRecord } from '../cache/inline-cache.ts'
import type { BuildResult, ExportSpec } from '../contract.ts'
import type { Plan, Step } from '../plan/contract.ts'
import type { BuildJob, BuildRoom } from '../solve/build-room.ts'
import type { Solver } from '../solve/solver.ts'
import { LiveVertex } from '../solve/vertices.ts'
import { exportArchive, exportTree } from './archives.ts'
import { builtImage, storeImage, type BuiltImage } from './export-image.ts'
import { imageDocument } from './image-document.ts'
import { imageNames } from './image-names.ts'

export interface ExportBuild {
  plan: Plan
  solver: Solver
  /** An image got a name: Docker's event. */
  tagged: (imageId: string, name: string) => void
  /** --output type=image,push=true. */
  push: (name: string, job: BuildJob) => Promise<void>
}

/** Gives the result to everybody who wants it. Without anybody only the steps are solved. */
export async function exportBuild(room: BuildRoom, job: BuildJob, request: ExportBuild): Promise<BuildResult> {
  const { plan, solver } = request
  const { stack, vertex: root } = await solver.solve(plan.root)
  const result: BuildResult = { metadata: {}, warnings: plan.warnings }
  if (job.request.exports.length === 0) return result
  const built = builtImage(await documentOf(job, { plan, solver, diffIds: stack.map(({ diffId }) => diffId) }), stack)
  for (const spec of job.request.exports) {
    job.signal.throwIfAborted()
    const vertex = new LiveVertex(job, { name: titles[spec.type], inputs: [root] })
    await vertex.during(async () => {
      if (spec.type === 'image') Object.assign(result, await exportToStore(room, job, { ...request, built, spec, vertex }))
      else if (spec.type === 'tar' || spec.type === 'local') await exportTree(room, job, { spec, root: await solver.rootOf(plan.root) })
      else {
        await exportArchive(room, job, { spec, built, names: imageNames(spec.attributes['name']) })
        Object.assign(result.metadata, { 'containerimage.config.digest': built.id }, named(spec))
      }
    })
  }
  return result
}

const titles: Record<ExportSpec['type'], string> = {
  image: 'exporting to image',
  docker: 'exporting to docker image format',
  oci: 'exporting to oci image format',
  tar: 'exporting to client tarball',
  local: 'exporting to client directory',
}

interface ToStore extends ExportBuild {
  built: BuiltImage
  spec: ExportSpec
  vertex: LiveVertex
}

async function exportToStore({ core }: BuildRoom, job: BuildJob, { built, spec, vertex, tagged, push }: ToStore): Promise<BuildResult> {
  const names = imageNames(spec.attributes['name'])
  const did = (id: string): void => vertex.status({ id, current: 0, total: 0, started: Date.now(), completed: Date.now() })
  did('exporting layers')
  const image = await storeImage(core, built, names)
  did(`writing image ${image.id}`)
  for (const name of names) {
    did(`naming to ${name}`)
    tagged(image.id, familiarString(parseReference(name)))
  }
  if (isTrue(spec.attributes['push'])) {
    if (names.length === 0) throw new GantryError('InvalidParameter', 'tag is needed when pushing to registry')
    for (const name of names) await push(name, job)
  }
  return { imageId: image.id, metadata: { 'containerimage.config.digest': image.id, 'containerimage.digest': image.id, ...named(spec) }, warnings: [] }
}

function named(spec: ExportSpec): Record<string, string> {
  const names = imageNames(spec.attributes['name'])
  return names.length === 0 ? {} : { 'image.name': names.join(',') }
}

export function isTrue(value: string | undefined): boolean {
  return value !== undefined && /^(1|t|true)$/i.test(value)
}

async function documentOf(job: BuildJob, { plan, solver, diffIds }: { plan: Plan; solver: Solver; diffIds: readonly string[] }): Promise<Record<string, unknown>> {
  const times = new Map<Step, number | undefined>()
  for (const { step } of plan.history) if (step !== undefined) times.set(step, (await solver.solve(step)).created)
  const document = imageDocument({
    plan,
    diffIds,
    created: ({ step }) => step && times.get(step),
    ownLayers: bottomOf(plan.root).kind === 'tree' ? 1 : 0,
    sourceDateEpoch: job.request.sourceDateEpoch,
  })
  return wantsInlineCache(job) ? { ...document, [inlineKey]: await recordsOf(plan, solver, diffIds.length) } : document
}

/** The plan's own layers are the topmost ones. */
async function recordsOf(plan: Plan, solver: Solver, layers: number): Promise<InlineRecord[]> {
  const steps = plan.history.flatMap(({ step }) => step ?? [])
  const solved = await Promise.all(steps.map((step) => solver.solve(step)))
  return solved.flatMap(({ key, created }, at) => (key === undefined || created === undefined ? [] : [{ key, layer: layers - steps.length + at, created }]))
}

function bottomOf(step: Step): Step {
  return 'parent' in step ? bottomOf(step.parent) : step
}
