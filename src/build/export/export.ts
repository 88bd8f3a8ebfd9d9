import { platformText } from '../plan/platform.ts'
import { GantryError } from '../../lib/errors.ts'
import { familiarString, parseReference } from '../../lib/reference.ts'
import { inlineKey, wantsInlineCache, type InlineRecord } from '../cache/inline-cache.ts'
import type { BuildResult, ExportSpec } from '../contract.ts'
import type { Plan, Platform, Step } from '../plan/contract.ts'
import { spdxStatement } from '../sbom/spdx.ts'
import { scanRoot } from '../sbom/scan-root.ts'
import type { BuildJob, BuildRoom } from '../solve/build-room.ts'
import type { Solver } from '../solve/solver.ts'
import { LiveVertex } from '../solve/vertices.ts'
import { exportArchive, exportContent, exportTrees } from './archives.ts'
import { hasAnnotations } from './annotations.ts'
import type { Descriptor } from '../../containerd/images/contract.ts'
import type { Statement } from './attestation.ts'
import type { OciContent } from './content.ts'
import { builtImage, type BuiltImage } from './export-image.ts'
import { imageContent, needsContent, type PlatformImage } from './image-content.ts'
import { imageDocument } from './image-document.ts'
import { imageNames, shownNames } from './image-names.ts'
import { provenance } from './provenance.ts'
import { pushContent } from './send-content.ts'
import { storePlatforms } from './store-platforms.ts'

export interface ExportBuild {
  /** One for each platform. */
  plans: readonly Plan[]
  /** What builds. */
  own: Platform
  solver: Solver
  /** Milliseconds since the epoch. */
  started: number
  /** An image got a name: Docker's event. */
  tagged: (imageId: string, name: string) => void
  /** --output type=image,push=true. */
  push: (name: string, job: BuildJob) => Promise<void>
}

/** Gives the result to everybody who wants it. Without anybody only the steps are solved. */
export async function exportBuild(room: BuildRoom, job: BuildJob, request: ExportBuild): Promise<BuildResult> {
  const { plans, solver } = request
  const solved = await Promise.all(plans.map((plan) => solver.solve(plan.root)))
  const result: BuildResult = { metadata: {}, warnings: plans.flatMap(({ warnings }) => warnings) }
  const { exports } = job.request
  if (exports.length === 0) return result
  const built = await Promise.all(plans.map(async (plan, at) => builtImage(await documentOf(job, { plan, solver, diffIds: solved[at]!.stack.map(({ diffId }) => diffId) }), solved[at]!.stack)))
  const images = await withStatements(room, job, { ...request, built })
  for (const spec of exports) {
    job.signal.throwIfAborted()
    const vertex = new LiveVertex(job, { name: titles[spec.type], inputs: solved.map(({ vertex: root }) => root) })
    await vertex.during(async () => {
      const parts: Export = { ...request, images, spec, vertex, names: imageNames(spec.attributes['name']) }
      if (spec.type === 'image') {
        const { imageId, root } = await exportToStore(room, job, parts)
        if (imageId !== undefined) result.imageId = imageId
        Object.assign(result.metadata, storedMetadata(parts, imageId, root))
      }
      if (spec.type === 'tar' || spec.type === 'local') await exportTrees(room, job, { spec, roots: await Promise.all(plans.map(async ({ root, platform }) => ({ platform, root: await solver.rootOf(root) }))) })
      if (spec.type === 'docker' || spec.type === 'oci') Object.assign(result.metadata, await exportToArchive(room, job, parts))
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

interface Export extends ExportBuild {
  images: readonly PlatformImage[]
  spec: ExportSpec
  vertex: LiveVertex
  names: readonly string[]
}

/** What is said of each image beside it. The host's own copy of the result is looked at, never what it says of itself. */
async function withStatements({ kernel }: BuildRoom, job: BuildJob, { plans, built, solver, own, started }: ExportBuild & { built: readonly BuiltImage[] }): Promise<PlatformImage[]> {
  const { attestations, exports } = job.request
  const wanted = exports.some(({ type }) => type !== 'tar' && type !== 'local')
  const images: PlatformImage[] = []
  for (const [at, plan] of plans.entries()) {
    const statements: Statement[] = []
    if (wanted && attestations.sbom === true) {
      const title = `${plans.length > 1 ? `[${platformText(plan.platform)}] ` : ''}generating sbom of the packages in the result`
      statements.push(await new LiveVertex(job, { name: title }).during(async () => spdxStatement(await scanRoot(kernel, await solver.rootOf(plan.root), job.signal), { name: imageNames(exports.find((spec) => spec.attributes['name'])?.attributes['name'])[0] ?? 'image', created: job.request.sourceDateEpoch === undefined ? started : job.request.sourceDateEpoch * 1000 })))
    }
    if (wanted && attestations.provenance !== undefined) statements.push(provenance({ request: job.request, plan, own, id: job.id, started, finished: Date.now() }))
    images.push({ platform: plan.platform, built: built[at]!, statements })
  }
  return images
}

/** The store has images, their index and what is said of them. */
async function exportToStore(room: BuildRoom, job: BuildJob, { images, spec, names, vertex, tagged, push }: Export): Promise<Pick<BuildResult, 'imageId'> & { root?: Descriptor }> {
  const did = (id: string): void => vertex.status({ id, current: 0, total: 0, started: Date.now(), completed: Date.now() })
  const isPushed = isTrue(spec.attributes['push'])
  if (isPushed && names.length === 0) throw new GantryError('InvalidParameter', 'tag is needed when pushing to registry')
  const isStored = !isFalse(spec.attributes['store'])
  did('exporting layers')
  const { ids: stored, index } = isStored ? await storePlatforms(room, job, { images, names }) : { ids: [] }
  for (const id of stored) did(`writing image ${id}`)
  for (const name of stored.length === 0 ? [] : shownNames(spec.attributes['name'])) did(`naming to ${name}`)
  for (const name of stored.length === 0 ? [] : names) tagged(stored[0]!, familiarString(parseReference(name)))
  const own = { ...(stored.length > 0 && { imageId: stored[0]! }), ...(index && { root: index }) }
  if (!isPushed) return own
  const content = needsContent(images, spec) || !isStored ? await imageContent(room, job, { images, spec, names }) : undefined
  for (const name of names) {
    if (content === undefined) await push(name, job)
    else await pushContent(room, job, { content, reference: name })
    did(`pushing ${name}`)
  }
  return { ...own, ...(content && { root: content.root }) }
}

/** The digest is that of the image's configuration, as with Docker's own store; of what is more than an image it is the manifest's or index's. */
function storedMetadata({ images, spec }: Export, imageId: string | undefined, root: Descriptor | undefined): Record<string, string> {
  const id = imageId ?? images[0]!.built.id
  return { 'containerimage.config.digest': id, ...named(spec), ...(root === undefined ? { 'containerimage.digest': id } : described({ root })) }
}

async function exportToArchive(room: BuildRoom, job: BuildJob, { images, spec, names }: Export): Promise<Record<string, string>> {
  if (spec.type === 'docker' && images.length > 1) throw new GantryError('InvalidParameter', 'docker exporter does not currently support exporting manifest lists')
  const common = { 'containerimage.config.digest': images[0]!.built.id, ...named(spec) }
  if (!needsContent(images, spec) && !hasAnnotations(spec.attributes)) {
    await exportArchive(room, job, { spec, built: images[0]!.built, names })
    return common
  }
  const content = await imageContent(room, job, { images, spec, names })
  await exportContent(job, { spec, content, names, ...(images.length === 1 && { image: images[0]!.built }) })
  return { ...common, ...described(content) }
}

function described({ root }: Pick<OciContent, 'root'>): Record<string, string> {
  return { 'containerimage.digest': root.digest, 'containerimage.descriptor': Buffer.from(JSON.stringify(root)).toString('base64') }
}

function named({ attributes }: ExportSpec): Record<string, string> {
  const names = shownNames(attributes['name'])
  return names.length === 0 ? {} : { 'image.name': names.join(',') }
}

export function isTrue(value: string | undefined): boolean {
  return value !== undefined && /^(1|t|true)$/i.test(value)
}

function isFalse(value: string | undefined): boolean {
  return value !== undefined && /^(0|f|false)$/i.test(value)
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
