import { createHash } from 'node:crypto'
import type { RunDefaults } from '../contract.ts'
import type { CopyStep, DirectoryStep, PlannedMount, RunStepPlan } from '../plan/contract.ts'

/** SHA-256 of an operation and its inputs. What is left out of it cannot change the result: see ../contract.ts. */
function keyOf(operation: object): string {
  return `sha256:${createHash('sha256').update(JSON.stringify(operation)).digest('hex')}`
}

export interface KeyInputs {
  /** Chain id below. */
  parent: string | undefined
  sourceDateEpoch: number | undefined
}

/** @param sources chain ids or digests of what the mounts are from, in their order */
export function runKey(step: RunStepPlan, { parent, sourceDateEpoch, sources, defaults }: KeyInputs & { sources: readonly (string | undefined)[]; defaults: RunDefaults }): string {
  const { argv, script, env, cwd, user, network, privileged } = step
  const { extraHosts, ulimits, shmSize } = defaults
  return keyOf({
    kind: 'run', parent, argv, script, env, cwd, user, network: network === 'default' ? defaults.network : network, privileged, sourceDateEpoch,
    mounts: step.mounts.map((mount, at) => mountKey(mount, sources[at])),
    extraHosts, ulimits, shmSize,
  })
}

/** A secret's value, the content of a cache and an agent are no inputs. */
function mountKey(mount: PlannedMount, source: string | undefined): object {
  switch (mount.type) {
    case 'bind':
    case 'cache': {
      const { from: _step, ...rest } = mount
      return { ...rest, from: source }
    }
    default:
      return mount
  }
}

/** @param content what ../copy/contract.ts says of the sources */
export function copyKey(step: CopyStep, { parent, sourceDateEpoch, content }: KeyInputs & { content: string }): string {
  // Names are looked up in what is below.
  const independent = step.link && /^\d*(?::\d*)?$/.test(step.chown)
  return keyOf({ kind: 'copy', parent: independent ? 'any' : parent, link: step.link, content, sourceDateEpoch })
}

export function directoryKey({ path, chown }: DirectoryStep, { parent, sourceDateEpoch }: KeyInputs): string {
  return keyOf({ kind: 'directory', parent, path, ...(chown !== '' && { chown }), sourceDateEpoch })
}

/**
 * What a COPY takes from trees that are named by their chain ids depends on nothing else, so that its digest can be remembered.
 * @returns undefined when it takes from a context, a URL or git
 */
export function copyInputsKey(step: CopyStep, chains: readonly (string | undefined)[]): string | undefined {
  if (chains.includes(undefined)) return undefined
  const { destination, chown, chmod, parents, excludes, link } = step
  const sources = step.sources.map((source, at) => (source.kind === 'files' ? { kind: source.kind, pattern: source.pattern, unpack: source.unpack, from: chains[at] } : source))
  return keyOf({ kind: 'copy inputs', destination, chown, chmod, parents, excludes, link, sources })
}
