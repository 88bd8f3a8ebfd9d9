import assert from 'node:assert/strict'
import type { Engine } from './engine.ts'
import { eventually } from './eventually.ts'
import { cgroupsOf, mountsOf, processesOf } from './private-directory.ts'
import { allPids, commandLine, namespace } from './processes.ts'

/** What containers may leave behind while the engine runs: interfaces, firewall rules, network namespaces on its host. */
export interface Footprint {
  links: string[]
  rules: string[]
  mounts: string[]
}

export async function takeFootprint(engine: Engine): Promise<Footprint> {
  const links = JSON.parse(await engine.host.must(['ip', '-j', 'link'])) as { ifname: string }[]
  const ruleset = await engine.host.must(['nft', 'list', 'ruleset'])
  return {
    links: links.map((link) => link.ifname).toSorted(),
    rules: ruleset.split('\n').map((line) => line.replaceAll(/packets \d+ bytes \d+/g, '').trim()).toSorted(),
    // dockerd keeps a handle on its own network namespace.
    mounts: mountsOf(engine.directory).filter((mount) => !mount.endsWith('/netns/default')).toSorted(),
  }
}

/** With all containers removed and the engine still up: it is as it was before the first one. */
export async function assertNothingLeftOfContainers(engine: Engine, before: Footprint): Promise<void> {
  await eventually(async () => assert.deepEqual(await takeFootprint(engine), before), 5000)
  await eventually(async () => assert.deepEqual(await cgroupsOf(engine.created), [], 'cgroups are left'), 5000)
}

/** With the engine stopped: no process, mount or cgroup of it remains. */
export async function assertNothingLeftOfEngine(engine: Engine): Promise<void> {
  await eventually(() => assert.deepEqual(processesOf(engine.directory).map(commandLine), [], 'processes are left'), 10_000)
  const inHost = () => allPids().filter((pid) => pid !== engine.host.holder && namespace(pid, 'net') === engine.host.namespace)
  await eventually(() => assert.deepEqual(inHost().map(commandLine), [], 'processes are left on its network host'), 10_000)
  // dockerd leaves a mount of its data root on itself when it was killed before.
  const own = (mount: string) => engine.kind === 'dockerd' && mount === engine.dataRoot
  assert.deepEqual(mountsOf(engine.directory).filter((mount) => !own(mount)), [], 'mounts are left')
  assert.deepEqual(await cgroupsOf(engine.created), [], 'cgroups are left')
}
