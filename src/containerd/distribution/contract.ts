import type { AtRemote, RemoteContent } from './remote-content.ts'

/**
 * Distribution: images to and from registries, by the OCI distribution specification 1.1 and Docker's registry API v2.
 *
 * References are what users type; a name without a registry means docker.io, for which mirrors are asked first.
 * A pull that fails or is aborted leaves the images as they were and keeps what was downloaded, by digest, for the next one.
 * Errors have Docker's text: NotFound for what a registry does not have (or does not show to strangers), Unauthorized,
 * Unavailable when it says "not now", System for a registry that cannot be reached.
 */
export interface Distribution {
  /** @returns the references that were pulled, in order, and the image of each */
  pull(request: PullRequest, progress: Progress): Promise<{ reference: string; imageId: string }[]>
  /** @returns the references that were pushed */
  push(request: PushRequest, progress: Progress): Promise<{ reference: string; imageId: string }[]>
  inspect(reference: string, credentials: Credentials, signal?: AbortSignal): Promise<DistributionInspect>
  /** Tries credentials. The token is to be kept in place of the password; empty where the registry gives none. */
  login(credentials: Credentials): Promise<{ Status: string; IdentityToken: string }>
  /** Does something with the manifests and blobs of a repository as they are. */
  atRemote<Result>(request: AtRemote, use: (remote: RemoteContent, named: string) => Promise<Result>): Promise<Result>
  /** GET /v1/search of docker.io or of the registry that the term begins with. */
  search(request: SearchRequest): Promise<SearchResult[]>
}

export interface PullRequest {
  reference: string
  /** Every tag of the repository. */
  allTags: boolean
  /** "os[/architecture[/variant]]"; undefined: the host's. */
  platform?: string
  credentials: Credentials
  signal?: AbortSignal
}

export interface PushRequest {
  reference: string
  /** Every tag that the store has of the repository. */
  allTags: boolean
  /** As for a pull; NotFound when the image is of another one. */
  platform?: string
  credentials: Credentials
  signal?: AbortSignal
}

export interface SearchRequest {
  term: string
  /** 1 to 100. */
  limit: number
  credentials: Credentials
}

/** Docker's AuthConfig, as clients send it in X-Registry-Auth. All empty: anonymous. */
export interface Credentials {
  username?: string
  password?: string
  serveraddress?: string
  /** Exchanged for short tokens; stands in for user name and password. */
  identitytoken?: string
  /** A bearer token, sent as it is. */
  registrytoken?: string
}

/** One line of Docker's progress stream. `id` is a layer's, 12 hexadecimal digits, or a tag. */
export interface ProgressMessage {
  id?: string
  status?: string
  /** Bytes. */
  progressDetail?: { current?: number; total?: number }
  aux?: unknown
}

export type Progress = (message: ProgressMessage) => void

export interface Platform {
  architecture: string
  os: string
  variant?: string
}

export interface DistributionInspect {
  Descriptor: { mediaType: string; digest: string; size: number }
  Platforms: Platform[]
}

export interface SearchResult {
  name: string
  description: string
  star_count: number
  is_official: boolean
  is_automated: boolean
}
