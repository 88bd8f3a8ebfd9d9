import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { eventually } from './harness/eventually.ts'
import { tiny, throughEachClient } from './harness/stories.ts'

/** GANTRY_E2E_ROUNDS and GANTRY_E2E_SEED repeat a longer or a failed run. */
const rounds = Number(process.env.GANTRY_E2E_ROUNDS ?? 25)
const seed = Number(process.env.GANTRY_E2E_SEED ?? Date.now() % 100_000)

const networks = ['churn-a', 'churn-b', 'churn-six']
const names = ['churn-1', 'churn-2', 'churn-3']

const byText = (one: string, other: string): number => one.localeCompare(other)

/** mulberry32 */
function randomFrom(start: number): (below: number) => number {
  let state = start
  return (below) => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) % below
  }
}

throughEachClient('network churn', (stage) => {
  interface State {
    links: number
    rules: string
    bridges: string
  }
  const state = async (): Promise<State> => {
    const { host } = stage.engine
    return {
      links: (await host.must(['sh', '-c', 'ip -o link | grep -c veth || true'])).split('\n').map(Number)[0] ?? 0,
      rules: (await host.must(['nft', 'list', 'ruleset'])).replaceAll(/counter packets \d+ bytes \d+/g, ''),
      bridges: await host.must(['sh', '-c', 'ip -o address show scope global | sed "s/valid_lft.*//" | grep br- | sort']),
    }
  }
  let clean: State

  before(async () => {
    await stage.ok('network', 'create', '--subnet', '10.61.0.0/28', 'churn-a')
    await stage.ok('network', 'create', '--subnet', '10.62.0.0/28', 'churn-b')
    await stage.ok('network', 'create', '--ipv6', '--subnet', '10.63.0.0/28', '--subnet', 'fd63::/64', 'churn-six')
    clean = await state()
  })
  after(async () => {
    await stage.ok('network', 'rm', ...networks)
  })

  void test(`${rounds} random connects, disconnects, kills and crashes (seed ${seed}) leave no veth, address, rule or namespace`, async () => {
    const random = randomFrom(seed)
    const pick = (from: readonly string[]): string => from[random(from.length)] ?? ''
    const steps: (() => Promise<unknown>)[] = [
      () => stage.docker('run', '-d', '--name', pick(names), '--network', pick(networks), '-p', String(10_600 + random(3)), '-p', `${10_610 + random(2)}:80`, tiny, 'sleep', '99'),
      () => stage.docker('network', 'connect', '--gw-priority', String(random(3)), pick(networks), pick(names)),
      () => stage.docker('network', 'connect', pick(networks), pick(names)),
      () => stage.docker('network', 'disconnect', pick(networks), pick(names)),
      () => stage.docker('kill', pick(names)),
      () => stage.docker('start', pick(names)),
      () => stage.docker('rm', '-f', pick(names)),
      () => Promise.all([stage.docker('network', 'disconnect', pick(networks), pick(names)), stage.docker('kill', pick(names)), stage.docker('network', 'connect', pick(networks), pick(names))]),
    ]
    for (let round = 0; round < rounds; round++) {
      for (let step = 0; step < 4; step++) await steps[random(steps.length)]?.()
      if (random(8) === 0) {
        await Promise.all([stage.docker('network', 'connect', pick(networks), pick(names)), stage.engine.kill9()])
        await stage.engine.start()
      }
      // What the engine says of addresses is what the containers have.
      for (const name of names) {
        const { code, stdout } = await stage.docker('inspect', '-f', '{{.State.Pid}} {{range .NetworkSettings.Networks}}{{.IPAddress}} {{end}}', name)
        const [pid = '0', ...addresses] = stdout.trim().split(/\s+/)
        if (code !== 0 || pid === '0') continue
        const inside = await stage.engine.host.run(['nsenter', `--net=/proc/${pid}/ns/net`, 'ip', '-4', '-o', 'address', 'show', 'scope', 'global'])
        if (inside.code !== 0) continue
        const found = [...inside.stdout.matchAll(/inet ([\d.]+)/g)].map(([, address = '']) => address)
        assert.deepEqual(found.toSorted(byText), addresses.filter((address) => address !== '').toSorted(byText), `round ${round}, ${name}`)
      }
    }
    for (const name of names) await stage.docker('rm', '-f', name)
    await eventually(async () => assert.deepEqual(await state(), clean), 5000)
    for (const network of networks) assert.equal(await stage.ok('network', 'inspect', '-f', '{{len .Containers}}', network), '0')
    // Every address is free again: /28 less network, gateway and broadcast.
    const ids: string[] = []
    for (let number = 0; number < 13; number++) ids.push(await stage.ok('run', '-d', '--network', 'churn-a', tiny, 'sleep', '99'))
    await stage.ok('rm', '-f', ...ids)
  })
})
