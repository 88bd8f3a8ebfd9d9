import type { BuildRequest } from '../contract.ts'
import type { Plan, Step } from '../plan/contract.ts'
import { platformText } from '../plan/platform.ts'
import type { Platform } from '../plan/contract.ts'
import { imagePurl, type Statement } from './attestation.ts'

export interface ProvenanceFacts {
  request: BuildRequest
  plan: Plan
  own: Platform
  /** Names the build. */
  id: string
  /** Milliseconds since the epoch. */
  started: number
  finished: number
}

const buildKit = 'https://mobyproject.org/buildkit@v1'

/**
 * How an image came to be: SLSA provenance v0.2, with the fields that BuildKit fills. `min` leaves out values of build arguments and labels,
 * the Dockerfile and the steps. Secrets are named only, and with `max` only.
 */
export function provenance(facts: ProvenanceFacts): Statement {
  const { request, plan, own, id, started, finished } = facts
  const isMax = request.attestations.provenance === 'max'
  const steps = stepsOf(plan.root)
  const args = isMax ? argumentsOf(request) : Object.fromEntries(Object.entries(argumentsOf(request)).filter(([name]) => !/^(build-arg|label):/.test(name)))
  const mounts = steps.flatMap((step) => (step.kind === 'run' ? step.mounts : []))
  const secrets = namedOnce(mounts.flatMap((mount) => (mount.type === 'secret' ? { id: mount.id, ...(!mount.required && { optional: true }) } : [])))
  const ssh = namedOnce(mounts.flatMap((mount) => (mount.type === 'ssh' ? { id: mount.id, ...(!mount.required && { optional: true }) } : [])))
  return {
    predicateType: 'https://slsa.dev/provenance/v0.2',
    predicate: {
      builder: { id: '' },
      buildType: buildKit,
      materials: materialsOf(steps),
      invocation: {
        configSource: { entryPoint: request.dockerfile.name },
        parameters: {
          frontend: 'dockerfile.v0',
          ...(Object.keys(args).length > 0 && { args }),
          ...(isMax && secrets.length > 0 && { secrets }),
          ...(isMax && ssh.length > 0 && { ssh }),
          locals: [...(steps.some((step) => step.kind === 'tree' && step.context === 'context') ? [{ name: 'context' }] : []), { name: 'dockerfile' }],
        },
        environment: { platform: platformText(own) },
      },
      ...(isMax && { buildConfig: { llbDefinition: definitionOf(steps) } }),
      metadata: {
        buildInvocationID: id,
        buildStartedOn: new Date(started).toISOString(),
        buildFinishedOn: new Date(finished).toISOString(),
        completeness: { parameters: isMax || Object.keys(argumentsOf(request)).every((name) => !/^(build-arg|label):/.test(name)), environment: true, materials: steps.every((step) => step.kind !== 'tree' && (step.kind !== 'copy' || step.sources.every(({ kind }) => kind !== 'git'))) },
        reproducible: false,
        [`${buildKit}#metadata`]: isMax ? { source: { infos: [{ filename: request.dockerfile.name, language: 'Dockerfile', data: Buffer.from(request.dockerfile.text).toString('base64') }] } } : {},
      },
    },
  }
}

/** What was said by flags, in the names of front end attributes. */
function argumentsOf({ target, buildArgs, labels, noCache }: BuildRequest): Record<string, string> {
  return {
    ...(target !== undefined && { target }),
    ...(noCache !== false && { 'no-cache': noCache === true ? '' : noCache.join(',') }),
    ...Object.fromEntries(Object.entries(buildArgs).map(([name, value]) => [`build-arg:${name}`, value])),
    ...Object.fromEntries(Object.entries(labels).map(([name, value]) => [`label:${name}`, value])),
  }
}

/** Images by digest, and what was fetched by URL with a checksum. */
function materialsOf(steps: readonly Step[]): object[] {
  const found = new Map<string, object>()
  for (const step of steps) {
    if (step.kind === 'image') {
      const [name = '', digest] = step.reference.split('@')
      const { os, architecture, variant } = step.image
      const uri = name.startsWith('oci-layout:') || name.startsWith('sha256:') ? name : imagePurl(name, { os, architecture, ...(variant !== undefined && { variant }) })
      found.set(uri, { uri, digest: { sha256: (digest ?? step.image.id).slice('sha256:'.length) } })
    }
    if (step.kind !== 'copy') continue
    for (const source of step.sources) if (source.kind === 'url') found.set(source.url, { uri: source.url, ...(source.checksum !== undefined && { digest: { [source.checksum.split(':', 1)[0]!]: source.checksum.split(':')[1] } }) })
    for (const source of step.sources) if (source.kind === 'git') found.set(source.repository, { uri: source.repository + (source.reference === undefined ? '' : `#${source.reference}`) })
  }
  return [...found.values()]
}

/** Every step that the target stands on, what is below first. */
export function stepsOf(root: Step): Step[] {
  const found = new Set<Step>()
  const visit = (step: Step): void => {
    if (found.has(step)) return
    for (const input of inputsOf(step)) visit(input)
    found.add(step)
  }
  visit(root)
  return [...found]
}

function inputsOf(step: Step): Step[] {
  if (step.kind === 'copy') return [step.parent, ...step.sources.flatMap((source) => (source.kind === 'files' ? [source.from] : []))]
  if (step.kind === 'run') return [step.parent, ...step.mounts.flatMap((mount) => ('from' in mount && mount.from !== undefined ? [mount.from] : []))]
  return 'parent' in step ? [step.parent] : []
}

/** Steps by number. Environment and arguments of a RUN are told; proxies and secrets are not. */
function definitionOf(steps: readonly Step[]): object[] {
  return steps.map((step, at) => ({
    id: `step${at}`,
    op: {
      name: step.name,
      kind: step.kind,
      ...(step.kind === 'run' && { args: step.argv, env: step.env, cwd: step.cwd, user: step.user, network: step.network }),
      ...(step.kind === 'copy' && { destination: step.destination }),
      ...(step.kind === 'directory' && { path: step.path }),
      ...(step.kind === 'image' && { identifier: `docker-image://${step.reference}` }),
    },
    ...(inputsOf(step).length > 0 && { inputs: inputsOf(step).map((input) => `step${steps.indexOf(input)}:0`) }),
  }))
}

function namedOnce<Item extends { id: string }>(items: readonly Item[]): Item[] {
  return [...new Map(items.map((item) => [item.id, item])).values()]
}
