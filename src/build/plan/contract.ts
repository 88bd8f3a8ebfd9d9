import type { ContainerConfig } from '../../engine/types/container-config.ts'
import type { Image } from '../../containerd/images/contract.ts'
import type { Stack } from '../cache/build-cache.ts'
import type { BuildWarning, Vertex } from '../contract.ts'

/**
 * What a Dockerfile comes to for one platform: a graph of steps, and the configuration of the image that is asked for.
 * Everything is expanded: no variable is left but those that a RUN's own shell reads. Only steps that the target needs are there;
 * a step that two stages share is one object.
 */
export interface Plan {
  platform: Platform
  /** What the target's root file system is. */
  root: Step
  /** The image's configuration, labels of the request included. */
  config: ContainerConfig
  /** Of the base image and then one for each instruction of the target's chain, as `docker history` shows them. `step` is what made its layer. */
  history: PlannedHistory[]
  base: Image | undefined
  /** MAINTAINER. */
  author?: string
  warnings: BuildWarning[]
  /** Indices of the stages that the target needs, its own included, in order. */
  stages: number[]
}

export interface PlannedHistory {
  /** "RUN /bin/sh -c make # buildkit", "ENV A=b". */
  created_by: string
  comment: 'buildkit.dockerfile.v0'
  /** undefined: no layer. */
  step?: Step
}

export interface Platform {
  os: string
  architecture: string
  variant?: string
}

export type Step = ScratchStep | ImageStep | TreeStep | RunStepPlan | CopyStep | DirectoryStep

interface Named {
  /** As in progress: "[stage-1 2/3] RUN make". */
  name: string
  /** For classic builders' output and for errors. */
  instruction?: Vertex['step']
  /** 1-based lines of the instruction. */
  lines?: { start: number; end: number }
  /** Never taken from the cache (--no-cache, --no-cache-filter). */
  ignoreCache: boolean
  /** Where several platforms are built at once: the one that it is a step for. */
  target?: string
}

export interface ScratchStep extends Named {
  kind: 'scratch'
}

export interface ImageStep extends Named {
  kind: 'image'
  image: Image
  /** Its layers, where it is no image of the store. */
  stack?: Stack
  /** With its digest: "docker.io/library/busybox:latest@sha256:…". */
  reference: string
}

/** A context: the main one has the name "context". */
export interface TreeStep extends Named {
  kind: 'tree'
  root: string
  context: string
}

export interface RunStepPlan extends Named {
  kind: 'run'
  parent: Step
  argv: string[]
  /** Written to a file that is bound into the step and run, for heredocs that begin with "#!". */
  script?: string
  env: string[]
  /** "NAME=value" that the process gets and that no key, history or record has: proxies. */
  proxy: string[]
  cwd: string
  /** "" is root. */
  user: string
  network: 'default' | 'none' | 'host'
  privileged: boolean
  /** Of what it runs: the base image's. */
  platform: Platform
  mounts: PlannedMount[]
}

/** RUN --mount. Source: Dockerfile reference, "RUN --mount". */
export type PlannedMount =
  | { type: 'bind'; target: string; from: Step; source: string; readWrite: boolean }
  | { type: 'cache'; target: string; id: string; from: Step | undefined; source: string; readOnly: boolean; sharing: 'shared' | 'private' | 'locked'; mode: number; uid: number; gid: number }
  | { type: 'tmpfs'; target: string; size?: number }
  | { type: 'secret'; target: string | undefined; env: string | undefined; id: string; required: boolean; mode: number; uid: number; gid: number }
  | { type: 'ssh'; target: string | undefined; id: string; required: boolean; mode: number; uid: number; gid: number }

/** COPY and ADD. */
export interface CopyStep extends Named {
  kind: 'copy'
  parent: Step
  /** --link: the layer does not depend on what it is put upon. */
  link: boolean
  /** Absolute in the image; ends with "/" when it has to be a directory. */
  destination: string
  sources: CopySource[]
  /** "" is root; names are looked up in the parent's /etc/passwd and /etc/group. */
  chown: string
  /** Octal or symbolic; undefined: as in the source. */
  chmod?: string
  parents: boolean
  excludes: string[]
}

export type CopySource =
  /** Patterns of Go's filepath.Match, relative to the root of `from`. `unpack`: local archives are unpacked (ADD). */
  | { kind: 'files'; from: Step; pattern: string; unpack: boolean }
  | { kind: 'url'; url: string; checksum?: string; unpack: boolean }
  | { kind: 'git'; repository: string; reference?: string; subdirectory?: string; checksum?: string; keepGitDir: boolean }
  /** A heredoc. */
  | { kind: 'inline'; name: string; content: string }

/** WORKDIR of a directory that may not be there. Directories that are made belong to the configured user, as with BuildKit. */
export interface DirectoryStep extends Named {
  kind: 'directory'
  parent: Step
  path: string
  /** As --chown; "" is root. */
  chown: string
}
