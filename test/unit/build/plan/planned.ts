import { parseDockerfile } from '../../../../src/build/dockerfile/dockerfile.ts'
import type { Plan, Step } from '../../../../src/build/plan/contract.ts'
import type { PlanOptions } from '../../../../src/build/plan/options.ts'
import { planBuild } from '../../../../src/build/plan/plan.ts'
import type { Image } from '../../../../src/containerd/images/contract.ts'
import type { ContainerConfig } from '../../../../src/engine/types/container-config.ts'
import { GantryError } from '../../../../src/lib/errors.ts'

export interface PlanSettings extends Partial<PlanOptions['request']> {
  /** Configurations of the images that there are; "base" is one with nothing set. */
  images?: Record<string, ContainerConfig>
}

export async function planned(text: string, { images = {}, ...request }: PlanSettings = {}): Promise<Plan> {
  const own = { os: 'linux', architecture: 'amd64' }
  const known: Record<string, ContainerConfig> = { base: {}, ...images }
  return await planBuild(parseDockerfile(text), {
    request: { buildArgs: {}, labels: {}, noCache: false, namedContexts: new Map(), context: { root: '/context' }, run: { network: 'default', extraHosts: [], ulimits: [] }, entitlements: [], ...request },
    platform: own,
    own,
    severalPlatforms: false,
    image: async (reference) => {
      const config = known[reference]
      if (config === undefined) throw new GantryError('NotFound', `${reference}: not found`)
      return { image: imageOf(reference, config), reference: `docker.io/library/${reference}:latest` }
    },
  })
}

function imageOf(name: string, config: ContainerConfig): Image {
  return { id: `sha256:${name}`, repoTags: [], repoDigests: [], created: '2020-01-01T00:00:00Z', architecture: 'amd64', os: 'linux', parent: '', config, diffIds: [], chainId: undefined, size: 0, history: [] }
}

/** Each step that the target needs as one line, those below first. */
export function stepLines(root: Step): string[] {
  const lines = new Map<Step, string>()
  const visit = (step: Step): void => {
    if (lines.has(step)) return
    if ('parent' in step) visit(step.parent)
    if (step.kind === 'copy') for (const source of step.sources) if (source.kind === 'files') visit(source.from)
    if (step.kind === 'run') for (const mount of step.mounts) if ('from' in mount && mount.from !== undefined) visit(mount.from)
    lines.set(step, lineOf(step))
  }
  visit(root)
  return [...lines.values()]
}

function lineOf(step: Step): string {
  switch (step.kind) {
    case 'scratch':
      return 'scratch'
    case 'image':
      return `image ${step.reference.replace(/^docker.io\/library\/(.*):latest$/, '$1')}`
    case 'tree':
      return `context ${step.context}`
    case 'directory':
      return `directory ${step.path}`
    case 'run':
      return `run ${JSON.stringify(step.argv)}`
    default:
      return `copy ${step.sources.map((source) => (source.kind === 'files' ? source.pattern : source.kind === 'url' ? source.url : source.kind === 'git' ? source.repository : `<<${source.name}`)).join(' ')} -> ${step.destination}`
  }
}

/** The one step of a kind that the target has last. */
export function last<Kind extends Step['kind']>(plan: Plan, kind: Kind): Extract<Step, { kind: Kind }> {
  for (let step: Step | undefined = plan.root; step !== undefined; step = 'parent' in step ? step.parent : undefined) if (step.kind === kind) return step as Extract<Step, { kind: Kind }>
  throw new Error(`the plan has no ${kind}`)
}
