import { join } from 'node:path'
import { BuildError } from '../../../build/build-error.ts'
import { receiveContext, type ReceivedContext } from '../../../build/context/received-context.ts'
import { remoteContext } from '../../../build/context/remote-context.ts'
import type { BuildRequest, Builder } from '../../../build/contract.ts'
import { parseDockerfile } from '../../../build/dockerfile/dockerfile.ts'
import { imageNames } from '../../../build/export/image-names.ts'
import { withWholeSource } from '../../../containerd/images/whole-source.ts'
import type { Kernel } from '../../../kernel/kernel.ts'
import { familiarString, parseReference } from '../../../lib/reference.ts'
import type { ClassicBuild, ClassicMessage } from '../../types/builds.ts'
import { ClassicOutput } from './classic-output.ts'

export interface ClassicRoom {
  builder: Builder
  kernel: Kernel
  /** `<data-root>/build` */
  root: string
}

/** Builds for clients of before BuildKit, and tells it in their words. */
export async function classicBuild(room: ClassicRoom, build: ClassicBuild, { tell, signal }: { tell: (message: ClassicMessage) => void; signal: AbortSignal }): Promise<void> {
  const names = imageNames(build.tags.join(','))
  const context = await broughtContext(room, build, signal)
  try {
    signal.throwIfAborted()
    const dockerfile = parseDockerfile(context.dockerfile.text)
    const told: ClassicMessage[] = []
    const output = new ClassicOutput(dockerfile, { tell: build.quiet ? (message) => told.push(message) : tell, removes: build.remove })
    try {
      const { imageId } = await room.builder.build(requestOf(build, { context, names }), output, signal)
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
    await context.remove()
  }
}

/** @throws InvalidParameter with Docker's texts */
async function broughtContext({ kernel, root }: ClassicRoom, { context, remote, dockerfile }: ClassicBuild, signal: AbortSignal): Promise<ReceivedContext> {
  const options = { kernel, parent: join(root, 'contexts'), dockerfile, signal }
  if (remote === '') return await withWholeSource(context, (lent) => receiveContext(lent, options))
  context.resume()
  return await remoteContext(remote, { ...options, directory: join(root, 'sources') })
}

function requestOf(build: ClassicBuild, { context, names }: { context: ReceivedContext; names: readonly string[] }): BuildRequest {
  const { target, platform, buildArgs, labels, noCache, pull, cacheFrom, credentials, run } = build
  return {
    dockerfile: context.dockerfile,
    context: { root: context.root, ignored: context.ignored, disposable: true, ...(context.archive && { archive: context.archive }) },
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
