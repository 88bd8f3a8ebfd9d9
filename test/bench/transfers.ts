import { mkdirSync, rmSync, statSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { makeClient } from '../e2e/harness/client.ts'
import { type EngineKind, startEngine } from '../e2e/harness/engine.ts'
import { makeHost, type NetworkHost } from '../e2e/harness/network-host.ts'
import { makePrivateDirectory, removePrivateDirectory } from '../e2e/harness/private-directory.ts'
import { read } from '../e2e/harness/processes.ts'
import { findProgram, program } from '../e2e/harness/program.ts'
import { startRegistry, type Registry } from '../e2e/harness/registry.ts'
import { copyOf, layeredImage } from './layered-image.ts'
import { ownFileSystem } from './own-file-system.ts'
import type { Series } from './report.ts'
import { command, timed } from './timing.ts'

/** The tables of what moves images: milliseconds, and the highest resident memory of the daemon in MiB. */
export interface Transfers {
  times: Series[]
  memory: Series[]
  bytes: number
}

const source = '127.0.0.1:5000/bench:1'
const target = '127.0.0.1:5001/bench:1'
const loaded = 'localhost/loaded:1'

/** Who moves images, as commands to run from outside. What it has no command for is undefined. */
interface Mover {
  name: string
  directory: string
  /** Of the daemon; undefined for one that has none. */
  daemon?: () => number
  pull: string[]
  push?: (name: string) => string[]
  load?: string[]
  save?: (name: string, file: string) => string[]
  tag?: (from: string, to: string) => string[]
  remove: string[]
  env: NodeJS.ProcessEnv
  /** Where it pulls from, and one that is emptied before each push. */
  registries: Registry[]
  close(): Promise<void>
}

const rows = ['pull', 'push of what was pulled', 'save of what was pulled', 'load', 'save of what was loaded', 'push of what was loaded'] as const

/** Pull, push, load and save of one image, from and to a registry on the loopback of each contender's network host. */
export async function measureTransfers(rounds: number): Promise<Transfers> {
  const directory = makePrivateDirectory()
  const movers: Mover[] = []
  try {
    const { archive, bytes } = await layeredImage(directory, loaded)
    for (const kind of ['gantryd', 'dockerd'] as EngineKind[]) if (findProgram(kind) !== undefined) movers.push(await engine(kind, archive))
    for (const make of [podman, skopeo]) movers.push(...(await make(archive)))
    const times = rows.map((title): Series => ({ title, samples: new Map() }))
    const memory = rows.map((title): Series => ({ title, samples: new Map() }))
    for (let round = 0; round < rounds; round++) {
      for (let turn = 0; turn < movers.length; turn++) {
        const mover = movers[(turn + round) % movers.length]!
        const note = (series: Series[], title: string, value: number) => {
          const samples = series.find((each) => each.title === title)!.samples
          samples.set(mover.name, [...(samples.get(mover.name) ?? []), value])
        }
        for (const [title, time, peak] of await tour(mover)) {
          note(times, title, time)
          if (peak > 0) note(memory, title, peak)
        }
      }
      console.log(`transfers, round ${round + 1} of ${rounds}`)
    }
    return { times, memory, bytes }
  } finally {
    for (const mover of movers) await mover.close()
    await removePrivateDirectory(directory)
  }
}

/** One pass over everything that a contender can do, from an empty store to an empty store. */
async function tour(mover: Mover): Promise<[title: string, time: number, peak: number][]> {
  const file = path.join(mover.directory, 'saved.tar')
  const results: [string, number, number][] = []
  const measure = async (title: (typeof rows)[number], words: string[] | undefined): Promise<void> => {
    if (words === undefined) return
    for (const place of [mover.directory, path.join(mover.directory, 'd')]) await command(['sync', '-f', place], mover.env)
    const pid = mover.daemon?.() ?? 0
    // The kernel's high-water mark begins anew.
    if (pid > 0) writeFileSync(`/proc/${pid}/clear_refs`, '5')
    const time = await timed(() => command(words, mover.env))
    const peak = pid > 0 ? Number(/^VmHWM:\s+(\d+)/m.exec(read(`/proc/${pid}/status`))?.[1] ?? 0) / 1024 : 0
    results.push([title, time, peak])
  }
  const empty = () => rmSync(path.join(mover.registries[1]!.directory, 'data'), { recursive: true, force: true })
  const remove = async (...names: string[]) => void (await command([...mover.remove, ...names], mover.env))
  rmSync(file, { force: true })
  await measure('pull', mover.pull)
  empty()
  if (mover.tag) await command(mover.tag(source, target), mover.env)
  await measure('push of what was pulled', mover.push?.(target))
  await measure('save of what was pulled', mover.save?.(source, file))
  rmSync(file, { force: true })
  await remove(source, ...(mover.tag ? [target] : []))
  if (mover.load === undefined) return results
  empty()
  await measure('load', mover.load)
  await measure('save of what was loaded', mover.save?.(loaded, file))
  if (!(statSync(file).size > 0)) throw new Error(`${mover.name} saved nothing`)
  rmSync(file)
  await command(mover.tag!(loaded, target), mover.env)
  await measure('push of what was loaded', mover.push?.(target))
  await remove(loaded, target)
  return results
}

async function engine(kind: EngineKind, archive: string): Promise<Mover> {
  const started = await startEngine({ kind, furnish: ownFileSystem })
  const client = makeClient('docker', started)
  const registries = await registriesOf(started, archive)
  const words = (...rest: string[]) => [client.program, ...rest]
  return {
    name: kind,
    directory: started.directory,
    // The harness starts it through nsenter, which becomes it.
    daemon: () => started.pid(),
    pull: words('pull', '-q', source),
    push: (name) => words('push', '-q', name),
    load: words('load', '-q', '-i', copyOf(archive, started.directory)),
    save: (name, file) => words('save', '-o', file, name),
    tag: (from, to) => words('tag', from, to),
    remove: words('rmi'),
    env: client.env,
    registries,
    async close() {
      for (const registry of registries) await registry.stop()
      await started.remove()
    },
  }
}

async function podman(archive: string): Promise<Mover[]> {
  if (findProgram('podman') === undefined) return []
  const { directory, host, registries, close } = await place(archive)
  const at = (name: string) => path.join(directory, name)
  mkdirSync(at('tmp'))
  const words = (...rest: string[]) => [
    ...host.enter, program('podman'), '--root', at('d/root'), '--runroot', at('run'), '--tmpdir', at('tmp'),
    '--cgroup-manager', 'cgroupfs', '--events-backend', 'file', '--storage-driver', 'overlay', ...rest,
  ]
  return [{
    name: 'podman',
    directory,
    pull: words('pull', '-q', '--tls-verify=false', source),
    push: (name) => words('push', '-q', '--tls-verify=false', name),
    load: words('load', '-q', '-i', copyOf(archive, directory)),
    save: (name, file) => words('save', '-q', '-o', file, name),
    tag: (from, to) => words('tag', from, to),
    remove: words('rmi'),
    env: { ...process.env, HOME: directory },
    registries,
    close,
  }]
}

/** It keeps what comes as it is: a pull without unpacking. */
async function skopeo(archive: string): Promise<Mover[]> {
  if (findProgram('skopeo') === undefined) return []
  const { directory, host, registries, close } = await place(archive)
  const layout = path.join(directory, 'd/layout')
  const words = (...rest: string[]) => [...host.enter, program('skopeo'), '--insecure-policy', 'copy', '-q', ...rest]
  return [{
    name: 'skopeo',
    directory,
    pull: words('--src-tls-verify=false', `docker://${source}`, `oci:${layout}`),
    push: (name) => words('--dest-tls-verify=false', `oci:${layout}`, `docker://${name}`),
    remove: ['rm', '-rf', layout, '--'],
    env: process.env,
    registries,
    close,
  }]
}

async function place(archive: string) {
  const directory = makePrivateDirectory()
  await ownFileSystem(path.join(directory, 'd'))
  const host = await makeHost()
  const registries = await registriesOf({ directory, host }, archive)
  const close = async (): Promise<void> => {
    for (const registry of registries) await registry.stop()
    await host.close()
    await removePrivateDirectory(directory)
  }
  return { directory, host, registries, close }
}

async function registriesOf(engine: { directory: string; host: NetworkHost }, archive: string): Promise<Registry[]> {
  const registries: Registry[] = []
  for (const port of [5000, 5001]) registries.push(await startRegistry(engine, { address: `127.0.0.1:${port}` }))
  await engine.host.must(['skopeo', '--insecure-policy', 'copy', '-q', '--dest-tls-verify=false', '--format', 'v2s2', `docker-archive:${archive}`, `docker://${source}`])
  return registries
}
