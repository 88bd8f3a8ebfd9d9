import { goTime, humanSize, shortId, timeAgo } from './human.ts'
import type { Listing, Row } from './listing.ts'

/** One element of GET /images/json. */
export type ImageSummary = {
  Id: string
  RepoTags: string[] | null
  RepoDigests: string[] | null
  Created: number
  Size: number
  SharedSize: number
  Containers: number
  /** With `manifests=1`. */
  Manifests?: {
    ID: string
    Size: { Total: number; Content: number }
    ImageData?: { Platform: { os: string; architecture: string; variant?: string }; Containers: string[] }
  }[]
}

const none = '<none>'

export function imageListing(withDigest: boolean): Listing {
  const digest = withDigest ? String.raw`\t{{.Digest}}` : ''
  return {
    typeName: '*formatter.imageContext',
    titles: {
      ID: 'IMAGE ID', Repository: 'REPOSITORY', Tag: 'TAG', Digest: 'DIGEST', CreatedSince: 'CREATED', CreatedAt: 'CREATED AT',
      Size: 'SIZE', Containers: 'CONTAINERS', VirtualSize: 'SIZE', SharedSize: 'SHARED SIZE', UniqueSize: 'UNIQUE SIZE',
    },
    defaultTable: String.raw`{{.Repository}}\t{{.Tag}}${digest}\t{{.ID}}\t{{if .CreatedSince }}{{.CreatedSince}}{{else}}N/A{{end}}\t{{.Size}}`,
  }
}

/** One row a tag; with digests in `rows`, one a tag and digest. An image without tags tells its digest in the `column` only. */
export function imageRows(image: ImageSummary, options: { truncate: boolean; digests: { rows: boolean; column: boolean } }): Row[] {
  return references(image, options.digests).map((reference) => imageRow(image, { ...reference, truncate: options.truncate }))
}

type Reference = { repository: string; tag: string; digest: string }

function references(image: ImageSummary, shown: { rows: boolean; column: boolean }): Reference[] {
  const tags = (image.RepoTags ?? []).filter((tag) => tag !== '<none>:<none>').map(splitTag)
  const digests = (image.RepoDigests ?? []).filter((digest) => digest !== '<none>@<none>').map(splitDigest)
  if (tags.length === 0 && digests.length === 0) return [{ repository: none, tag: none, digest: none }]
  const rows: Reference[] = []
  for (const tag of tags) {
    const own = digests.filter((digest) => digest.repository === tag.repository)
    if (!shown.rows || own.length === 0) rows.push({ ...tag, digest: none })
    else for (const { digest } of own) rows.push({ ...tag, digest })
  }
  for (const digest of digests) {
    if (!tags.some((tag) => tag.repository === digest.repository)) rows.push({ ...digest, tag: none, digest: shown.column ? digest.digest : '' })
  }
  return rows
}

function splitTag(reference: string): { repository: string; tag: string } {
  const colon = reference.lastIndexOf(':')
  return { repository: reference.slice(0, colon), tag: reference.slice(colon + 1) }
}

function splitDigest(reference: string): { repository: string; digest: string } {
  const at = reference.indexOf('@')
  return { repository: reference.slice(0, at), digest: reference.slice(at + 1) }
}

function imageRow(image: ImageSummary, shown: Reference & { truncate: boolean }): Row {
  return {
    ID: () => (shown.truncate ? shortId(image.Id) : image.Id),
    Repository: () => shown.repository,
    Tag: () => shown.tag,
    Digest: () => shown.digest,
    CreatedSince: () => (image.Created > -62_135_596_800 ? timeAgo(image.Created) : ''),
    CreatedAt: () => goTime(image.Created),
    Size: () => humanSize(image.Size, 3),
    Containers: () => (image.Containers === -1 || image.Containers === undefined ? 'N/A' : String(image.Containers)),
    VirtualSize: () => humanSize(image.Size),
    SharedSize: () => ((image.SharedSize ?? -1) < 0 ? 'N/A' : humanSize(image.SharedSize, 3)),
    UniqueSize: () => (image.SharedSize === -1 || image.SharedSize === undefined ? 'N/A' : humanSize(image.Size - image.SharedSize, 3)),
  }
}
