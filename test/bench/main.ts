import { writeFileSync } from 'node:fs'
import path from 'node:path'
import { parseArgs } from 'node:util'
import { makePrivateDirectory, removePrivateDirectory, sweep } from '../e2e/harness/private-directory.ts'
import { findProgram, projectRoot } from '../e2e/harness/program.ts'
import { measureApi } from './api.ts'
import { measureBuilds } from './builds.ts'
import { makeBundle } from './bundle.ts'
import type { Contender, Runtime } from './contender.ts'
import { findRuntimes, startEngines, startPodman } from './engines.ts'
import { measureNetwork, networkText } from './network.ts'
import { measureFootprint } from './footprint.ts'
import { measurements } from './measurements.ts'
import { type RuntimeReport, type Series, apiText, buildText, runtimeText, transferText, write } from './report.ts'
import { measureInside, measureMonitor, measureRuntimes, mountState } from './runtimes.ts'
import { measureTransfers } from './transfers.ts'

const { values } = parseArgs({ options: { rounds: { type: 'string', default: '8' }, out: { type: 'string' }, only: { type: 'string' } } })
const rounds = Number(values.rounds)
const out = values.out ?? path.join(projectRoot, 'docs/benchmarks.md')

const missing = ['dockerd', 'podman', 'runc', 'crun'].filter((name) => findProgram(name) === undefined)
if (missing.length > 0) console.log(`not here, so left out: ${missing.join(', ')} (Debian: apt-get install docker.io podman runc crun)`)

await sweep()
if (values.only === 'transfers') {
  console.log(transferText(await measureTransfers(rounds)))
  process.exit()
}
if (values.only === 'api') {
  console.log(apiText(await measureApi(rounds)))
  process.exit()
}
if (values.only === 'builds') {
  console.log(buildText(await measureBuilds(rounds)))
  process.exit()
}
if (values.only === 'network') {
  console.log(networkText(await measureNetwork(rounds)))
  process.exit()
}
if (values.only === 'runtimes') {
  const place = makePrivateDirectory()
  const bundle = await makeBundle(path.join(place, 'bundle'))
  console.log(runtimeText(await measureAlone(await findRuntimes(await mountState(path.join(place, 'state')), bundle), bundle)))
  await removePrivateDirectory(place)
  process.exit()
}
const contenders: Contender[] = []
const scratch = makePrivateDirectory()
try {
  contenders.push(...(await startEngines()), ...(await startPodman()))
  const bundle = await makeBundle(path.join(scratch, 'bundle'))
  const runtimes = await findRuntimes(await mountState(path.join(scratch, 'state')), bundle)
  const runtimeSeries = await measureAlone(runtimes, bundle)
  const engines = await measureEngines(contenders)
  const footprints = []
  for (const contender of contenders) if (contender.name !== 'gantryd with gantry') footprints.push(await measureFootprint(contender))
  const versions = new Map([...contenders, ...runtimes].map(({ name, version }) => [name, version]))
  versions.delete('gantryd with gantry')
  const transfers = await measureTransfers(Math.max(1, Math.round(rounds / 3)))
  const api = await measureApi(Math.max(1, Math.round(rounds / 2)))
  const builds = await measureBuilds(Math.max(1, Math.round(rounds / 2)))
  const text = write({ versions, rounds, engines, footprints, runtimes: runtimeSeries, transfers, api, builds })
  writeFileSync(out, text)
  console.log(text)
} finally {
  for (const contender of contenders) await contender.close()
  await removePrivateDirectory(scratch)
}

/** Round by round, so that a disturbance meets every contender. The order turns. */
async function measureEngines(all: Contender[]): Promise<Series[]> {
  const series = measurements.map(({ title }): Series => ({ title, samples: new Map() }))
  for (let round = 0; round < rounds; round++) {
    for (const [index, measurement] of measurements.entries()) {
      if (round >= Math.max(1, Math.round(rounds * measurement.share))) continue
      for (let turn = 0; turn < all.length; turn++) {
        const contender = all[(turn + round) % all.length]
        if (contender === undefined || !measurement.fits(contender)) continue
        const sample = await measurement.measure(contender)
        const samples = series[index]?.samples
        samples?.set(contender.name, [...(samples.get(contender.name) ?? []), sample])
      }
    }
    console.log(`round ${round + 1} of ${rounds}`)
  }
  return series
}

async function measureAlone(runtimes: Runtime[], bundle: string): Promise<RuntimeReport> {
  const place = path.dirname(bundle)
  const sleeper = await makeBundle(path.join(place, 'sleeper'), ['/bin/sleep', '1000'])
  const commands = await measureRuntimes({ runtimes, bundle, sleeper, rounds: rounds * 2 })
  const inside = await measureInside({ crun: findProgram('crun'), bundle, state: path.join(place, 'state/inside'), rounds })
  return { commands, inside, monitor: await measureMonitor(sleeper, path.join(place, 'state/inside')) }
}
