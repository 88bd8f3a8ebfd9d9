import { mkdirSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { makeClient } from '../e2e/harness/client.ts'
import { type EngineKind, startEngine } from '../e2e/harness/engine.ts'
import { rootfsArchive, tiny } from '../e2e/harness/image.ts'
import { makeHost } from '../e2e/harness/network-host.ts'
import { makePrivateDirectory, processesOf, removePrivateDirectory } from '../e2e/harness/private-directory.ts'
import { findProgram, program } from '../e2e/harness/program.ts'
import { must, run } from '../e2e/harness/run.ts'
import { type Contender, type Runtime, image } from './contender.ts'

const networks = ['bridge', 'host', 'none']

/** gantryd or dockerd, each on its own network host, driven by the stock client. Also, for gantryd, by its own. */
export async function startEngines(): Promise<Contender[]> {
  const contenders: Contender[] = []
  for (const kind of ['gantryd', 'dockerd'] as EngineKind[]) {
    if (findProgram(kind) === undefined) continue
    const engine = await startEngine({ kind })
    const client = makeClient('docker', engine)
    await client.ok('import', '-c', 'CMD ["true"]', '-c', 'ENV PATH=/bin', await rootfsArchive(tiny), image)
    const version = await client.ok('version', '-f', '{{.Server.Version}}')
    const close = async (): Promise<void> => {
      // Nobody else takes their cgroups away: with the engine only their processes end.
      const left = (await client.ok('ps', '-q')).split('\n').filter((id) => id !== '')
      if (left.length > 0) await client.ok('rm', '-f', ...left)
      await engine.remove()
    }
    const common = { version, env: client.env, networks, removal: ['rm', '-f'], servers: () => processesOf(engine.directory) }
    contenders.push({ ...common, name: kind, command: [client.program], socket: engine.socket, close })
    if (kind === 'gantryd') {
      contenders.push({ ...common, name: 'gantryd with gantry', command: [program('gantry')], close: async () => {} })
    }
  }
  return contenders
}

/** podman, daemonless, on private storage. Its bridge is left out: it writes to directories that cannot be chosen. */
export async function startPodman(): Promise<Contender[]> {
  const podman = findProgram('podman')
  if (podman === undefined) return []
  const directory = makePrivateDirectory()
  const host = await makeHost()
  const place = (name: string) => path.join(directory, name)
  mkdirSync(place('tmp'))
  // crun refuses hybrid cgroup hosts.
  const runtime = findProgram('runc') === undefined ? [] : ['--runtime', program('runc')]
  const places = ['--root', place('root'), '--runroot', place('run'), '--tmpdir', place('tmp')]
  const drivers = ['--cgroup-manager', 'cgroupfs', '--events-backend', 'file', '--storage-driver', 'overlay']
  const command = [...host.enter, podman, ...places, ...drivers, ...runtime]
  // Its default limits cannot be set on hosts that lack CAP_SYS_RESOURCE.
  writeFileSync(place('containers.conf'), '[containers]\ndefault_ulimits = ["nofile=1024:1024", "nproc=1024:1024"]\n')
  const env = { ...process.env, HOME: directory, CONTAINERS_CONF: place('containers.conf') }
  const close = async () => {
    await run([...command, 'rm', '-fa', '-t', '0'], { env })
    await removePrivateDirectory(directory)
    await host.close()
  }
  try {
    await must([...command, 'import', '-c', 'CMD ["true"]', '-c', 'ENV PATH=/bin', await rootfsArchive(tiny), image], { env })
    await must([...command, 'run', '--rm', '--net', 'none', image, 'true'], { env })
  } catch (error) {
    console.error(`podman is left out: ${String(error)}`)
    await close()
    return []
  }
  const version = (await must([podman, '--version'])).split(' ').at(-1) ?? ''
  return [{ name: 'podman', version, command, env, networks: ['host', 'none'], removal: ['rm', '-f', '-t', '0'], servers: () => processesOf(directory), close }]
}

/** Those of gantry-runc, runc and crun that are here and can run the bundle on this host. */
export async function findRuntimes(state: string, bundle: string): Promise<Runtime[]> {
  const runtimes: Runtime[] = []
  for (const name of ['gantry-runc', 'runc', 'crun']) {
    const file = findProgram(name)
    if (file === undefined) continue
    const version = /(\d+\.\d+[\w.+~-]*)/.exec((await must([file, '--version'])).split('\n')[0] ?? '')?.[1] ?? ''
    const runtime: Runtime = { name, version, call: [file, '--root', path.join(state, name)] }
    const { code, stderr } = await run([...runtime.call, 'run', '--bundle', bundle, `probe-${process.pid}`])
    if (code === 0) runtimes.push(runtime)
    else console.error(`${name} is left out: ${stderr.trim()}`)
  }
  return runtimes
}
