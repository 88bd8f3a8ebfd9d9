import { createHash } from 'node:crypto'
import type { Image, ManifestSummary } from '../../containerd/images/contract.ts'
import type { LayerSize, Snapshotter } from '../../containerd/snapshots/contract.ts'
import type { ContainerConfig } from '../types/container-config.ts'

/** GET /images/{name}/json, API 1.51. */
export function describeImage(image: Image, snapshotter: Pick<Snapshotter, 'name' | 'layerGraphData'>): Record<string, unknown> {
  return {
    Id: image.id,
    RepoTags: image.repoTags,
    RepoDigests: image.repoDigests,
    Parent: image.parent,
    Comment: image.comment ?? '',
    Created: image.created,
    DockerVersion: '',
    Author: image.author ?? '',
    Config: describeConfig(image.config),
    Architecture: image.architecture,
    ...(image.variant === undefined ? {} : { Variant: image.variant }),
    Os: image.os,
    Size: image.size,
    GraphDriver: { Data: image.chainId === undefined ? null : snapshotter.layerGraphData(image.chainId), Name: snapshotter.name },
    RootFS: { Type: 'layers', ...(image.diffIds.length === 0 ? {} : { Layers: image.diffIds }) },
    Metadata: { LastTagTime: image.lastTagTime ?? '0001-01-01T00:00:00Z' },
  }
}

/** The OCI image specification's configuration plus Docker's extensions; what is empty is left out, Cmd and Env are not. */
function describeConfig(config: ContainerConfig): Record<string, unknown> {
  const optional: (keyof ContainerConfig)[] = ['ExposedPorts', 'Volumes', 'Labels', 'StopSignal', 'OnBuild', 'Shell', 'Healthcheck', 'ArgsEscaped']
  const present = optional.filter((key) => !isEmpty(config[key])).map((key) => [key, config[key]])
  return {
    ...(config.User ? { User: config.User } : {}),
    Env: config.Env ?? [],
    Cmd: config.Cmd ?? null,
    ...(config.Entrypoint ? { Entrypoint: config.Entrypoint } : {}),
    WorkingDir: config.WorkingDir ?? '',
    ...Object.fromEntries(present),
  }
}

function isEmpty(value: unknown): boolean {
  if (value === undefined || value === null || value === '' || value === false) return true
  return typeof value === 'object' && Object.keys(value).length === 0
}

/** The ImageManifestSummary of each manifest of an image, API 1.47. */
export function describeManifests(manifests: readonly ManifestSummary[], usersOf: (imageId: string) => readonly { id: string }[]): Record<string, unknown>[] {
  return manifests.map(({ id, descriptor, kind, image, content, isHere, attests }) => ({
    ID: id,
    Descriptor: descriptor,
    Available: isHere,
    Size: { Content: content, Total: content + (image?.size ?? 0) },
    Kind: kind,
    ...(kind === 'image' && {
      ImageData: { Platform: descriptor.platform, Containers: image ? usersOf(image.id).map((user) => user.id) : [], Size: { Unpacked: image?.size ?? 0 } },
    }),
    ...(attests !== undefined && { AttestationData: { For: attests } }),
  }))
}

/** A row of GET /images/json. -1: not counted. */
export function summarizeImage(image: Image): Record<string, unknown> {
  return {
    Containers: -1,
    Created: seconds(image.created),
    Id: image.id,
    Labels: image.config.Labels ?? null,
    ParentId: image.parent,
    RepoDigests: image.repoDigests,
    RepoTags: image.repoTags,
    SharedSize: -1,
    Size: image.size,
  }
}

/** Rows of GET /images/{name}/history, newest first. Steps that made no layer have size 0. */
export function describeHistory(image: Image, layerSize: LayerSize): Record<string, unknown>[] {
  const sizes = chainIds(image.diffIds).map(layerSize)
  const steps = image.history.length > 0 ? image.history : image.diffIds.map(() => ({}) as Image['history'][number])
  let layer = 0
  const rows = steps.map((step) => {
    const size = step.empty_layer === true ? 0 : (sizes[layer++] ?? 0)
    return {
      Comment: step.comment ?? '',
      Created: seconds(step.created),
      CreatedBy: step.created_by ?? '',
      Id: '<missing>',
      Size: size,
      Tags: null as string[] | null,
    }
  })
  const newest = rows.at(-1)
  if (newest !== undefined) Object.assign(newest, { Id: image.id, Tags: image.repoTags.length > 0 ? image.repoTags : null })
  return rows.toReversed()
}

/** OCI image-spec "Layer ChainID": each is the digest of "<chain below> <diff id>". */
export function chainIds(diffIds: readonly string[]): string[] {
  const chains: string[] = []
  for (const diffId of diffIds) {
    const below = chains.at(-1)
    chains.push(below === undefined ? diffId : `sha256:${createHash('sha256').update(`${below} ${diffId}`).digest('hex')}`)
  }
  return chains
}

/** Seconds since the epoch; Go's zero time for none. */
function seconds(created: string | undefined): number {
  const milliseconds = created === undefined || created === '' ? Number.NaN : Date.parse(created)
  return Number.isNaN(milliseconds) ? -62_135_596_800 : Math.floor(milliseconds / 1000)
}
