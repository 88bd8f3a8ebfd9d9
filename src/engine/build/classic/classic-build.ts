import { randomBytes } from 'node:crypto'
import { join } from 'node:path'
import { BuildError } from '../../../build/build-error.ts'
import type { BuildRequest, Builder } from '../../../build/contract.ts'
import { parseDockerfile } from '../../../build/dockerfile/dockerfile.ts'
import { imageNames } from '../../../build/export/image-names.ts'
import type { Kernel } from '../../../kernel/kernel.ts'
import { familiarString, parseReference } from '../../../lib/reference.ts'
import type { ClassicBuild, ClassicMessage } from '../../types/builds.ts'
import { ClassicOutput } from './classic-output.ts'
import { forgetContext, readDockerfile, receiveContext, type ContextPlace } from './context.ts'

export interface ClassicRoom {
  builder: Builder
  kernel: Kernel
  /** `<data-root>/build` */
  root: string
}

/** Builds for clients of before BuildKit, and tells it in their words. */
export async function classicBuild({ builder, kernel, root }: ClassicRoom, build: ClassicBuild, { tell, signal }: { tell: (message: ClassicMessage) => void; signal: AbortSignal }): Promise<void> {
  const names = imageNames(build.tags.join(','))
  const place: ContextPlace = { kernel, directory: join(root, 'contexts', randomBytes(16).toString('hex')), cache: join(root, 'sources'), signal }
  try {
    const context = await receiveContext(place, build)
    signal.throwIfAborted()
    const text = context.dockerfile ?? readDockerfile(kernel, context.root, build.dockerfile)
    const dockerfile = parseDockerfile(text)
    const told: ClassicMessage[] = []
    const output = new ClassicOutput(dockerfile, build.quiet ? (message) => told.push(message) : tell)
    try {
      const { imageId } = await builder.build(requestOf(build, { text, root: context.root, names }), output, signal)
      output.finish(imageId)
      tell({ aux: { ID: imageId ?? '' } })
      if (build.quiet) return tell({ stream: `${imageId}\n` })
      tell({ stream: `Successfully built ${imageId?.replace('sha256:', '').slice(0, 12)}\n` })
      for (const name of names) tell({ stream: `Successfully tagged ${familiarString(parseReference(name))}\n` })
    } catch (error) {
      output.fail(error)
      for (const message of told) tell(message)
      tell(classicFailure(error))
    }
  } finally {
    await forgetContext(place)
  }
}

function requestOf(build: ClassicBuild, { text, root, names }: { text: string; root: string; names: readonly string[] }): BuildRequest {
  const { dockerfile, target, platform, buildArgs, labels, noCache, pull, cacheFrom, credentials, run } = build
  return {
    dockerfile: { text, name: dockerfile },
    context: { root },
    namedContexts: new Map(),
    ...(target !== undefined && { target }),
    platforms: platform === undefined ? [] : [platform],
    buildArgs,
    labels,
    annotations: {},
    noCache,
    pull,
    secret: async () => undefined,
    ssh: async () => undefined,
    credentials,
    run,
    cacheFrom: cacheFrom.map((ref) => ({ type: 'registry', attributes: { ref, pull: 'false' } })),
    cacheTo: [],
    exports: [{ type: 'image', attributes: { name: names.join(',') } }],
    attestations: {},
    entitlements: [],
    checkOnly: false,
  }
}

/** The words of before BuildKit for a process that failed. @throws everything else */
function classicFailure(error: unknown): ClassicMessage {
  if (!(error instanceof BuildError) || error.step.kind !== 'run' || error.status === undefined) throw error
  const message = `The command '${error.step.argv.join(' ')}' returned a non-zero code: ${error.status}`
  return { errorDetail: { code: error.status, message }, error: message }
}
