import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { eventually } from './harness/eventually.ts'
import { tiny, throughEachClient } from './harness/stories.ts'
import type { Stage } from './harness/stories.ts'

/** GANTRY_E2E_ROUNDS and GANTRY_E2E_SEED repeat a longer or a failed run. */
const rounds = Number(process.env.GANTRY_E2E_ROUNDS ?? 100)
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

/** What may happen. None of it has to succeed. */
interface Hand {
  run(name: string, options: { network: string; ports: string[] }): Promise<unknown>
  connect(network: string, name: string, priority?: number): Promise<unknown>
  disconnect(network: string, name: string): Promise<unknown>
  kill(name: string): Promise<unknown>
  start(name: string): Promise<unknown>
  remove(name: string): Promise<unknown>
}

const byClient = (stage: Stage): Hand => ({
  run: (name, { network, ports }) => stage.docker('run', '-d', '--name', name, '--network', network, ...ports.flatMap((port) => ['-p', port]), tiny, 'sleep', '99'),
  connect: (network, name, priority) => stage.docker('network', 'connect', ...(priority === undefined ? [] : ['--gw-priority', String(priority)]), network, name),
  disconnect: (network, name) => stage.docker('network', 'disconnect', network, name),
  kill: (name) => stage.docker('kill', name),
  start: (name) => stage.docker('start', name),
  remove: (name) => stage.docker('rm', '-f', name),
})

/** Quicker, so that the next step meets what the last one has not finished. */
const byRequest = (stage: Stage): Hand => {
  const post = (path: string, body?: unknown): Promise<unknown> => stage.engine.api({ method: 'POST', path, ...(body === undefined ? {} : { body: JSON.stringify(body) }) })
  return {
    run: async (name, { network, ports }) => {
      const PortBindings = Object.fromEntries(ports.map((port) => port.split(':')).map((parts) => [`${parts.at(-1)}/tcp`, [{ HostPort: parts.length > 1 ? parts[0] : '' }]]))
      await post(`/containers/create?name=${name}`, { Image: tiny, Cmd: ['sleep', '99'], HostConfig: { NetworkMode: network, PortBindings } })
      await post(`/containers/${name}/start`)
    },
    connect: (network, name, priority) => post(`/networks/${network}/connect`, { Container: name, EndpointConfig: { GwPriority: priority ?? 0 } }),
    disconnect: (network, name) => post(`/networks/${network}/disconnect`, { Container: name }),
    kill: (name) => post(`/containers/${name}/kill`),
    start: (name) => post(`/containers/${name}/start`),
    remove: (name) => stage.engine.api({ method: 'DELETE', path: `/containers/${name}?force=1` }),
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

  void test(`${rounds} random sequences of connects, disconnects, kills and crashes (seed ${seed}) leave no veth, address, rule or namespace`, async () => {
    const random = randomFrom(seed)
    const pick = (from: readonly string[]): string => from[random(from.length)] ?? ''
    const steps: ((by: Hand) => Promise<unknown>)[] = [
      (by) => by.run(pick(names), { network: pick(networks), ports: [String(10_600 + random(3)), `${10_610 + random(2)}:80`] }),
      (by) => by.connect(pick(networks), pick(names), random(3)),
      (by) => by.connect(pick(networks), pick(names)),
      (by) => by.disconnect(pick(networks), pick(names)),
      (by) => by.kill(pick(names)),
      (by) => by.start(pick(names)),
      (by) => by.remove(pick(names)),
      (by) => Promise.all([by.disconnect(pick(networks), pick(names)), by.kill(pick(names)), by.connect(pick(networks), pick(names))]),
    ]
    const [client, request] = [byClient(stage), byRequest(stage)]
    for (let round = 0; round < rounds; round++) {
      for (let step = 0; step < 4; step++) await steps[random(steps.length)]?.(step === 0 ? client : request)
      if (random(8) === 0) {
        await Promise.allSettled([request.connect(pick(networks), pick(names)), stage.engine.kill9()])
        await stage.engine.start()
      }
      // What the engine says of addresses is what the containers have.
      for (const name of names) {
        const { status, text } = await stage.engine.api({ path: `/containers/${name}/json` })
        if (status !== 200) continue
        const { State, NetworkSettings } = JSON.parse(text) as { State: { Pid: number }; NetworkSettings: { Networks: Record<string, { IPAddress: string }> } }
        const [pid, addresses] = [State.Pid, Object.values(NetworkSettings.Networks).map(({ IPAddress }) => IPAddress)]
        if (pid === 0) continue
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
