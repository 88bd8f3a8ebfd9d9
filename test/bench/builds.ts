import { existsSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { makeClient } from '../e2e/harness/client.ts'
import { type EngineKind, startEngine } from '../e2e/harness/engine.ts'
import { rootfsArchive, tiny } from '../e2e/harness/image.ts'
import { makeHost } from '../e2e/harness/network-host.ts'
import { makePrivateDirectory, removePrivateDirectory } from '../e2e/harness/private-directory.ts'
import { findProgram, program } from '../e2e/harness/program.ts'
import { must } from '../e2e/harness/run.ts'
import { largeContext, sixSteps } from './build-contexts.ts'
import { ownFileSystem } from './own-file-system.ts'
import type { Series } from './report.ts'
import { command, timed } from './timing.ts'

/** Who builds, as commands to run from outside. */
interface Maker {
  name: string
  /** Up to the context; `fresh` uses no cache. */
  build: (options: { fresh: boolean }) => string[]
  env: NodeJS.ProcessEnv
  close: () => Promise<void>
}

export const base = 'localhost/bench:1'
const rows = ['six steps, without the cache', 'six steps, all in the cache', 'one changed file of 20,000'] as const

/** Builds by gantryd and dockerd through the client of before BuildKit, through that of BuildKit where it can be had, and by buildah. */
export async function measureBuilds(rounds: number): Promise<Series[]> {
  const directory = makePrivateDirectory()
  const makers: Maker[] = []
  try {
    const small = sixSteps(path.join(directory, 'small'), base)
    for (const kind of ['gantryd', 'dockerd'] as EngineKind[]) if (findProgram(kind) !== undefined) makers.push(...(await engineMakers(kind)))
    makers.push(...(await buildah()))
    const large = new Map(makers.map(({ name }, index) => [name, largeContext(path.join(directory, `large-${index}`), base)]))
    const series = rows.map((title): Series => ({ title, samples: new Map() }))
    // What is first measured warms up and does not count.
    for (let round = 0; round <= rounds; round++) {
      for (let turn = 0; turn < makers.length; turn++) {
        const maker = makers[(turn + round) % makers.length]!
        const context = large.get(maker.name)!
        const build = (place: string, fresh: boolean) => timed(() => command([...maker.build({ fresh }), place], maker.env))
        const times = [await build(small, true), await build(small, false), (context.change(round), await build(context.place, false))]
        console.log(`builds, round ${round} of ${rounds}, ${maker.name}: ${times.map((time) => time.toFixed(0)).join(' ')}`)
        if (round === 0) continue
        for (const [index, time] of times.entries()) {
          const { samples } = series[index]!
          samples.set(maker.name, [...(samples.get(maker.name) ?? []), time])
        }
      }
    }
    return series
  } finally {
    for (const maker of makers) await maker.close()
    await removePrivateDirectory(directory)
  }
}

async function engineMakers(kind: EngineKind): Promise<Maker[]> {
  const engine = await startEngine({ kind, furnish: ownFileSystem })
  const client = makeClient('docker', engine)
  await client.ok('import', '-c', 'CMD ["true"]', '-c', 'ENV PATH=/bin', await rootfsArchive(tiny), base)
  const makers: Maker[] = [{ name: kind, build: words(client.program, []), env: { ...client.env, DOCKER_BUILDKIT: '0' }, close: () => engine.remove() }]
  const others = { env: { ...client.env, DOCKER_BUILDKIT: '1' }, close: async () => {} }
  const plugin = buildx()
  if (plugin !== undefined) {
    const plugins = path.join(client.env.DOCKER_CONFIG ?? '', 'cli-plugins')
    mkdirSync(plugins, { recursive: true })
    symlinkSync(plugin, path.join(plugins, 'docker-buildx'))
    makers.push({ ...others, name: `${kind} with buildx`, build: words(client.program, ['--progress', 'plain']) })
  }
  if (kind === 'gantryd') makers.push({ ...others, name: 'gantryd with gantry', build: words(program('gantry'), ['--progress', 'plain']) })
  return makers
}

function words(file: string, options: string[]): Maker['build'] {
  return ({ fresh }) => [file, 'build', ...options, ...(fresh ? ['--no-cache'] : []), '-t', 'built']
}

/** Where packages put it, or on PATH. */
function buildx(): string | undefined {
  const packaged = ['/usr/libexec/docker/cli-plugins/docker-buildx', '/usr/lib/docker/cli-plugins/docker-buildx'].find((file) => existsSync(file))
  return packaged ?? findProgram('docker-buildx')
}

/** Its isolation is a chroot, the cheapest that it has. */
async function buildah(): Promise<Maker[]> {
  if (findProgram('buildah') === undefined) return []
  const directory = makePrivateDirectory()
  const host = await makeHost()
  const place = (name: string) => path.join(directory, name)
  await ownFileSystem(place('d'))
  mkdirSync(place('d/tmp'))
  writeFileSync(place('registries.conf'), 'unqualified-search-registries = []\n')
  writeFileSync(place('policy.json'), '{"default":[{"type":"insecureAcceptAnything"}]}')
  const call = [...host.enter, program('buildah'), '--root', place('d/root'), '--runroot', place('run'), '--storage-driver', 'overlay', '--registries-conf', place('registries.conf')]
  const env = { ...process.env, HOME: directory, TMPDIR: place('d/tmp'), BUILDAH_ISOLATION: 'chroot' }
  const close = async () => {
    await removePrivateDirectory(directory)
    await host.close()
  }
  try {
    const container = await must([...call, 'from', 'scratch'], { env })
    await must([...call, 'add', container, await rootfsArchive(tiny), '/'], { env })
    await must([...call, 'config', '--env', 'PATH=/bin', '--cmd', 'true', container], { env })
    await must([...call, 'commit', '--rm', '--signature-policy', place('policy.json'), container, base], { env })
  } catch (error) {
    console.error(`buildah is left out: ${String(error)}`)
    await close()
    return []
  }
  const build: Maker['build'] = ({ fresh }) => [...call, 'bud', '--layers', ...(fresh ? ['--no-cache'] : []), '--pull-never', '--signature-policy', place('policy.json'), '-t', 'localhost/built']
  return [{ name: 'buildah', build, env, close }]
}
