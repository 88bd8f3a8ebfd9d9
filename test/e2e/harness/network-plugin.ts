import { execFileSync } from 'node:child_process'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { servePlugin } from './plugin-server.ts'

/**
 * A network plugin as third parties write them: `node network-plugin.ts SOCKET STATE CALLS`. It answers NetworkDriver and IpamDriver,
 * makes a bridge for each network and a veth pair for each endpoint with ip(8), keeps what it knows in STATE and appends each call to
 * CALLS.
 */
const [socket = '', stateFile = '', callsFile = ''] = process.argv.slice(2)

interface State {
  pools: Record<string, { subnet: string; taken: string[] }>
  /** Id to gateway. */
  networks: Record<string, string>
  endpoints: string[]
}

type Body = Record<string, unknown> & { NetworkID: string; EndpointID: string; PoolID: string; Address: string; Pool: string; Options?: Record<string, unknown> }

const state: State = existsSync(stateFile) ? (JSON.parse(readFileSync(stateFile, 'utf8')) as State) : { pools: {}, networks: {}, endpoints: [] }
const ip = (...args: string[]) => execFileSync('ip', args, { stdio: ['ignore', 'pipe', 'pipe'] }).toString()
const bridge = ({ NetworkID }: Body) => `pb-${NetworkID.slice(0, 8)}`
const ends = ({ EndpointID }: Body) => ({ host: `ph-${EndpointID.slice(0, 8)}`, inner: `pi-${EndpointID.slice(0, 8)}` })

const answers: Record<string, (body: Body) => Record<string, unknown>> = {
  '/Plugin.Activate': () => ({ Implements: ['NetworkDriver', 'IpamDriver'] }),
  '/NetworkDriver.GetCapabilities': () => ({ Scope: 'local', ConnectivityScope: 'local' }),
  '/NetworkDriver.CreateNetwork': (body) => {
    const generic = (body.Options?.['com.docker.network.generic'] ?? {}) as Record<string, string>
    if (generic['refuse'] !== undefined) throw new Error(`the plugin refuses: ${generic['refuse']}`)
    const [pool] = body['IPv4Data'] as { Gateway: string }[]
    ip('link', 'add', bridge(body), 'type', 'bridge')
    ip('address', 'add', pool?.Gateway ?? '', 'dev', bridge(body))
    ip('link', 'set', bridge(body), 'up')
    state.networks[body.NetworkID] = pool?.Gateway.split('/')[0] ?? ''
    return {}
  },
  '/NetworkDriver.DeleteNetwork': (body) => {
    ip('link', 'delete', bridge(body))
    delete state.networks[body.NetworkID]
    return {}
  },
  '/NetworkDriver.CreateEndpoint': (body) => {
    const { host, inner } = ends(body)
    ip('link', 'add', host, 'type', 'veth', 'peer', 'name', inner)
    ip('link', 'set', host, 'master', bridge(body), 'up')
    state.endpoints.push(body.EndpointID)
    const given = body['Interface'] as { MacAddress: string }
    return { Interface: given.MacAddress === '' ? { MacAddress: `06:00:${body.EndpointID.slice(0, 8).replaceAll(/(..)(?=.)/g, '$1:')}` } : {} }
  },
  '/NetworkDriver.EndpointOperInfo': () => ({ Value: {} }),
  '/NetworkDriver.DeleteEndpoint': (body) => {
    ip('link', 'delete', ends(body).host)
    state.endpoints = state.endpoints.filter((id) => id !== body.EndpointID)
    return {}
  },
  '/NetworkDriver.Join': (body) => {
    const sandbox = String(body['SandboxKey'])
    if (!existsSync(sandbox)) throw new Error(`there is no sandbox ${sandbox}`)
    return {
      InterfaceName: { SrcName: ends(body).inner, DstPrefix: 'plug' }, Gateway: state.networks[body.NetworkID],
      StaticRoutes: [{ Destination: '10.99.0.0/16', RouteType: 0, NextHop: state.networks[body.NetworkID]?.replace(/\d+$/, '254') }],
    }
  },
  '/NetworkDriver.Leave': () => ({}),
  '/NetworkDriver.ProgramExternalConnectivity': () => ({}),
  '/NetworkDriver.RevokeExternalConnectivity': () => ({}),
  '/IpamDriver.GetCapabilities': () => ({ RequiresMACAddress: false, RequiresRequestReplay: false }),
  '/IpamDriver.GetDefaultAddressSpaces': () => ({ LocalDefaultAddressSpace: 'here', GlobalDefaultAddressSpace: 'everywhere' }),
  '/IpamDriver.RequestPool': (body) => {
    if (body['AddressSpace'] !== 'here') throw new Error(`there is no address space ${String(body['AddressSpace'])}`)
    const subnet = body.Pool || '10.63.0.0/24'
    const id = `pool-${subnet}`
    if (state.pools[id] !== undefined) throw new Error(`pool ${subnet} is taken`)
    state.pools[id] = { subnet, taken: [] }
    return { PoolID: id, Pool: subnet, Data: {} }
  },
  '/IpamDriver.ReleasePool': (body) => {
    delete state.pools[body.PoolID]
    return {}
  },
  '/IpamDriver.RequestAddress': (body) => {
    const pool = state.pools[body.PoolID]
    if (pool === undefined) throw new Error(`there is no pool ${body.PoolID}`)
    const base = pool.subnet.replace(/0\/24$/, '')
    const free = Array.from({ length: 250 }, (_, at) => `${base}${at + 1}`).find((one) => !pool.taken.includes(one)) ?? ''
    const address = body.Address === '' ? free : body.Address
    if (pool.taken.includes(address)) throw new Error(`address ${address} is taken`)
    pool.taken.push(address)
    return { Address: `${address}/24` }
  },
  '/IpamDriver.ReleaseAddress': (body) => {
    const pool = state.pools[body.PoolID]
    if (pool !== undefined) pool.taken = pool.taken.filter((one) => one !== body.Address)
    return {}
  },
}

servePlugin(socket, callsFile, ({ method, url = '' }, text) => {
  const answer = answers[url]
  try {
    if (method !== 'POST' || answer === undefined) throw new Error(`unknown call ${method} ${url}`)
    const body = answer(JSON.parse(text) as Body)
    writeFileSync(stateFile, JSON.stringify(state))
    return { status: 200, type: 'application/vnd.docker.plugins.v1.2+json', body }
  } catch (error) {
    return { status: 500, type: 'application/json', body: { Err: (error as Error).message } }
  }
})
