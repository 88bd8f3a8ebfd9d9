import type { StepMount } from '../contract.ts'
import type { PlannedMount, RunStepPlan, Step } from '../plan/contract.ts'
import type { BuildJob, BuildRoom } from './build-room.ts'
import { BuildError } from '../build-error.ts'
import { seedFromArchive } from '../cache/mount-archives.ts'
import { openAgent } from './agent-socket.ts'
import { openSecretFiles, type SecretFiles } from './secret-files.ts'
import { openThrowaway, openWritable, pathInTree } from './trees.ts'
import { GantryError } from '../../lib/errors.ts'

/** What RUN --mount comes to on this host. */
export interface OpenRunMounts {
  mounts: StepMount[]
  /** "NAME=value" beside the environment of the step. */
  env: string[]
  close(): Promise<void>
}

export interface StepTrees {
  /** Host path of what a step results in. */
  rootOf(step: Step): Promise<string>
  /** Chain id of it; undefined for an empty one. A context has none. */
  chainIdOf(step: Step): Promise<string | undefined>
}

/** Where a heredoc's script is put that has an interpreter of its own. */
const scriptDirectory = '/dev/pipes'

interface Opening {
  room: BuildRoom
  job: BuildJob
  trees: StepTrees
  step: RunStepPlan
  files: SecretFiles
  closes: (() => unknown)[]
  env: string[]
}

/** Makes everything ready that a RUN mounts. `close` undoes it, in the reverse order. */
export async function openRunMounts(room: BuildRoom, job: BuildJob, { step, trees }: { step: RunStepPlan; trees: StepTrees }): Promise<OpenRunMounts> {
  const closes: (() => unknown)[] = []
  const close = async (): Promise<void> => {
    for (const each of closes.splice(0).toReversed()) await each()
  }
  const files = openSecretFiles(room)
  closes.push(() => files.close())
  const opening: Opening = { room, job, trees, step, files, closes, env: [] }
  const found = new Map<PlannedMount, StepMount | undefined>()
  try {
    // Two steps that lock the same caches take them in the same order, or each would wait for the other.
    for (const mount of step.mounts.toSorted((one, other) => lockOrder(one).localeCompare(lockOrder(other)))) found.set(mount, await openMount(opening, mount))
    const mounts = step.mounts.flatMap((mount) => found.get(mount) ?? [])
    if (step.script !== undefined) {
      const [name = 'EOF'] = step.argv[0]?.split('/').slice(-1) ?? []
      mounts.push({ type: 'bind', source: files.write(step.script, { mode: 0o755, uid: 0, gid: 0 }), target: `${scriptDirectory}/${name}`, readOnly: true })
    }
    return { mounts, env: opening.env, close }
  } catch (error) {
    await close()
    throw error
  }
}

function lockOrder(mount: PlannedMount): string {
  return mount.type === 'cache' ? mount.id : ''
}

async function openMount(opening: Opening, mount: PlannedMount): Promise<StepMount | undefined> {
  switch (mount.type) {
    case 'tmpfs':
      return { type: 'tmpfs', target: mount.target, ...(mount.size !== undefined && { size: mount.size }) }
    case 'bind':
      return await openBind(opening, mount)
    case 'cache':
      return await openCache(opening, mount)
    case 'secret':
      return await openSecret(opening, mount)
    default:
      return await openSsh(opening, mount)
  }
}

async function openBind({ room, trees, closes }: Opening, { from, source, target, readWrite }: PlannedMount & { type: 'bind' }): Promise<StepMount> {
  const root = readWrite ? await writableCopy(room, trees, { from, closes }) : await trees.rootOf(from)
  return { type: 'bind', source: pathInTree(room, root, source), target, readOnly: !readWrite }
}

async function writableCopy(room: BuildRoom, trees: StepTrees, { from, closes }: { from: Step; closes: Opening['closes'] }): Promise<string> {
  const tree = from.kind === 'tree' ? await openWritable(room, await trees.rootOf(from)) : await openThrowaway(room, await trees.chainIdOf(from))
  closes.push(() => tree.close())
  return tree.path
}

async function openCache({ room, job, trees, closes }: Opening, mount: PlannedMount & { type: 'cache' }): Promise<StepMount> {
  const { from, source, target, readOnly } = mount
  const imported = job.imports?.mount(mount.id)
  const seed = imported !== undefined ? seedFromArchive(room, job, imported) : from === undefined ? undefined : async (directory: string): Promise<void> => {
    const origin = pathInTree(room, await trees.rootOf(from), source)
    const { code, stderr } = await room.kernel.tool(['cp', '-a', '--reflink=auto', '-T', origin, directory])
    if (code !== 0) throw new GantryError('System', `cannot fill the cache ${mount.id}: ${stderr.trim()}`)
  }
  const { path, release } = await room.cacheMounts.take({ ...mount, ...(seed && { seed }) }, job.signal)
  closes.push(release)
  return { type: 'bind', source: path, target, readOnly }
}

async function openSecret({ job, files, env, step }: Opening, { id, target, env: name, required, ...owner }: PlannedMount & { type: 'secret' }): Promise<StepMount | undefined> {
  const value = await job.request.secret(id)
  if (value === undefined) {
    if (required) throw new BuildError(`secret ${id}: not found`, step)
    return undefined
  }
  if (name !== undefined) env.push(`${name}=${Buffer.from(value).toString('utf8')}`)
  return target === undefined ? undefined : { type: 'bind', source: files.write(value, owner), target, readOnly: true }
}

async function openSsh({ room, job, files, env, step, closes }: Opening, { id, target, required, ...owner }: PlannedMount & { type: 'ssh' }): Promise<StepMount | undefined> {
  const agent = await job.request.ssh(id)
  if (agent === undefined) {
    if (required) throw new BuildError(`unset ssh forward key ${id}`, step)
    return undefined
  }
  const number = step.mounts.filter(({ type }) => type === 'ssh').findIndex((each) => 'id' in each && each.id === id)
  const place = target ?? `/run/buildkit/ssh_agent.${Math.max(0, number)}`
  const socket = await openAgent({ agent, path: files.path(), log: room.log, ...owner })
  closes.push(() => socket.close())
  if (!env.some((entry) => entry.startsWith('SSH_AUTH_SOCK='))) env.push(`SSH_AUTH_SOCK=${place}`)
  return { type: 'bind', source: socket.path, target: place, readOnly: false }
}
