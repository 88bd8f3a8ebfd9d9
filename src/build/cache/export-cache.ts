import { GantryError } from '../../lib/errors.ts'
import type { CacheSpec } from '../contract.ts'
import type { Descriptor } from '../../containerd/images/contract.ts'
import { blobOf, descriptorOf, dockerTypes, documentOf, ociTypes, unique, type OciBlob, type OciContent } from '../export/content.ts'
import { layerBlob, layerType, readPacking } from '../export/layer-blob.ts'
import { pushContent, storeContent } from '../export/send-content.ts'
import { stepsOf } from '../export/provenance.ts'
import type { Plan } from '../plan/contract.ts'
import type { BuildJob, BuildRoom } from '../solve/build-room.ts'
import type { SolvedStep, Solver } from '../solve/solver.ts'
import { LiveVertex } from '../solve/vertices.ts'
import { cacheConfigType, cacheMountType, encodeCacheConfig, type CacheConfigLayer, type CacheConfigMount, type CacheConfigRecord } from './cache-config.ts'
import { packCacheMount } from './mount-archives.ts'

/** Gives the cache of a build to everybody who wants it. @returns what clients are told: the descriptor for a directory's index */
export async function exportCaches(room: BuildRoom, job: BuildJob, { plans, solver }: { plans: readonly Plan[]; solver: Solver }): Promise<Record<string, string>> {
  const told: Record<string, string> = {}
  for (const [at, spec] of job.request.cacheTo.entries()) {
    if (spec.type === 'inline') continue
    const vertex = new LiveVertex(job, { name: spec.type === 'local' ? 'exporting cache to client directory' : 'exporting cache to registry', salt: String(at) })
    try {
      await vertex.during(async () => {
        const content = await cacheContent(room, job, { spec, plans, solver })
        vertex.status({ id: `writing cache manifest ${content.root.digest}`, current: 0, total: 0, started: Date.now(), completed: Date.now() })
        if (spec.type === 'registry') await pushContent(room, job, { content, reference: spec.attributes['ref']! })
        else {
          await storeContent(clientOf(job, spec.attributes['dest']!), content)
          told['cache.manifest'] = JSON.stringify(content.root)
        }
      })
    } catch (error) {
      if (job.signal.aborted || !isTrue(spec.attributes['ignore-error'])) throw error
    }
  }
  return told
}

/** Before anything is built. @throws InvalidParameter for attributes that cannot be, NotImplemented */
export function checkCacheSpecs({ cacheTo }: BuildJob['request']): void {
  for (const { type, attributes } of cacheTo) {
    if (type === 'registry' && !attributes['ref']) throw new GantryError('InvalidParameter', 'missing ref attribute for registry cache exporter')
    if (type === 'local' && !attributes['dest']) throw new GantryError('InvalidParameter', 'local cache exporter requires dest')
    const mode = attributes['mode'] ?? 'min'
    if (mode !== 'min' && mode !== 'max') throw new GantryError('InvalidParameter', `failed to parse mode attribute: unknown mode ${JSON.stringify(mode)}`)
    if (isTrue(attributes['image-manifest']) && isFalse(attributes['oci-mediatypes'])) throw new GantryError('InvalidParameter', 'image-manifest=true needs oci-mediatypes=true')
    readPacking(attributes)
  }
}

function clientOf({ request }: BuildJob, directory: string): NonNullable<ReturnType<NonNullable<BuildJob['request']['clientContent']>>> {
  const found = request.clientContent?.(`local:${directory}`)
  if (found === undefined) throw new GantryError('InvalidParameter', `no access allowed to dir ${JSON.stringify(directory)}`)
  return found
}

/** Only layers that steps have made: what they stand on comes from elsewhere. `min`: of the result; `max`: of every step. */
async function cacheContent(room: BuildRoom, job: BuildJob, { spec, plans, solver }: { spec: CacheSpec; plans: readonly Plan[]; solver: Solver }): Promise<OciContent> {
  const { attributes } = spec
  const packing = readPacking(attributes)
  const types = isFalse(attributes['oci-mediatypes']) ? dockerTypes : ociTypes
  const steps = plans.flatMap((plan) => (attributes['mode'] === 'max' ? stepsOf(plan.root) : plan.history.flatMap(({ step }) => step ?? [])))
  const solved = await Promise.all([...new Set(steps)].map((step) => solver.solve(step)))
  const own = solved.filter((each): each is SolvedStep & { key: string; created: number } => each.key !== undefined && each.created !== undefined)
  const layers: CacheConfigLayer[] = []
  const records: CacheConfigRecord[] = []
  const places = new Map<string, number>()
  const listed: Descriptor[] = []
  const blobs: OciBlob[] = []
  for (const { key, stack, created } of own.toSorted((one, other) => one.stack.length - other.stack.length)) {
    const layer = stack.at(-1)!
    let place = places.get(layer.chainId)
    if (place === undefined) {
      const blob = await layerBlob(room, job, layer, packing)
      const mediaType = layerType(types.layer, blob.kind)
      place = layers.push({ blob: blob.digest, parent: places.get(stack.at(-2)?.chainId ?? '') ?? -1, mediaType, diffId: layer.diffId, size: blob.size, created }) - 1
      places.set(layer.chainId, place)
      blobs.push(blob)
      listed.push({ mediaType, digest: blob.digest, size: blob.size, annotations: { 'buildkit/createdat': new Date(created).toISOString(), 'containerd.io/uncompressed': layer.diffId } })
    }
    records.push({ key, layer: place, created })
  }
  const mounts: CacheConfigMount[] = []
  for (const id of isTrue(attributes['mounts']) ? mountIds(plans) : []) {
    const blob = await packCacheMount(room, job, id)
    if (blob === undefined) continue
    mounts.push({ id, blob: blob.digest })
    blobs.push(blob)
    listed.push({ mediaType: cacheMountType, digest: blob.digest, size: blob.size })
  }
  const config = blobOf(encodeCacheConfig({ layers, records, mounts }))
  return assembled({ config, blobs, listed: unique(listed), asIndex: isFalse(attributes['image-manifest']) || types === dockerTypes, types })
}

/** An image manifest whose configuration is the cache's, or an index that lists it beside the layers. */
function assembled({ config, blobs, listed, asIndex, types }: { config: OciBlob; blobs: OciBlob[]; listed: Descriptor[]; asIndex: boolean; types: typeof ociTypes | typeof dockerTypes }): OciContent {
  const configured = { mediaType: cacheConfigType, digest: config.digest, size: config.size }
  const mediaType = asIndex ? types.index : types.manifest
  const document = documentOf(asIndex ? { schemaVersion: 2, mediaType, manifests: [...listed, configured] } : { schemaVersion: 2, mediaType, config: configured, layers: listed }, mediaType)
  return { root: descriptorOf(document), blobs: unique([...blobs, config]), documents: [document] }
}

function mountIds(plans: readonly Plan[]): string[] {
  const mounts = plans.flatMap(({ root }) => stepsOf(root)).flatMap((step) => (step.kind === 'run' ? step.mounts : []))
  return [...new Set(mounts.flatMap((mount) => (mount.type === 'cache' ? [mount.id] : [])))]
}

function isTrue(value: string | undefined): boolean {
  return value !== undefined && /^(1|t|true)$/i.test(value)
}

function isFalse(value: string | undefined): boolean {
  return value !== undefined && /^(0|f|false)$/i.test(value)
}
