import { mkdtempSync, openSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Image, ImageStore } from '../../../../src/containerd/images/contract.ts'
import type { Snapshotter } from '../../../../src/containerd/snapshots/contract.ts'
import { openContainers } from '../../../../src/engine/containers.ts'
import type { ContainersRoom } from '../../../../src/engine/containers.ts'
import type { ContainerSpecs } from '../../../../src/engine/containers/oci.ts'
import type { CreateContainer, EventMessage, Events } from '../../../../src/engine/engine.ts'
import type { Kernel } from '../../../../src/kernel/kernel.ts'
import { nr } from '../../../../src/kernel/syscalls.ts'
import { GantryError } from '../../../../src/lib/errors.ts'
import type { AllocateEndpoint, BoundPorts, Endpoint, NameRecord, NetworkInfo, NetworkService } from '../../../../src/net/contract.ts'
import type { PortBinding } from '../../../../src/engine/types/host-config.ts'
import { FakeTasks } from './fake-tasks.ts'

export interface TestRoom {
  room: ContainersRoom
  tasks: FakeTasks
  network: FakeNetwork
  snapshots: Set<string>
  events: string[]
  lines: string[]
  dataRoot: string
  create(request?: Partial<CreateContainer>): Promise<string>
  /** Another engine over the same directories, tasks and network; the old one is forgotten, as after kill -9. */
  reopen(): TestRoom
  remove(): void
}

/** A containers room over fakes of everything below it, with real files. */
export function openTestRoom(): TestRoom {
  const root = mkdtempSync(join(tmpdir(), 'gantry-containers-'))
  return open({ root, tasks: new FakeTasks(), network: new FakeNetwork(), snapshots: new Set() })
}

function open(parts: { root: string; tasks: FakeTasks; network: FakeNetwork; snapshots: Set<string> }): TestRoom {
  const { root, tasks, network, snapshots } = parts
  const events: string[] = []
  const lines: string[] = []
  const dataRoot = join(root, 'data')
  const room = openContainers({
    dataRoot,
    execRoot: join(root, 'run'),
    images: images(),
    snapshotter: snapshotter(snapshots),
    tasks,
    networks: network,
    events: recorder(events),
    kernel: fakeKernel,
    specs: fakeSpecs,
    log: (line) => lines.push(line),
  })
  return {
    room,
    tasks,
    network,
    snapshots,
    events,
    lines,
    dataRoot,
    create: async (request = {}) => {
      const { Id } = await room.containers.create({ hostConfig: {}, networking: {}, ...request, config: { Image: 'busybox', ...request.config } })
      return Id
    },
    reopen: () => {
      room.close()
      return open(parts)
    },
    remove: () => rmSync(root, { recursive: true, force: true }),
  }
}

const image: Image = {
  id: `sha256:${'a'.repeat(64)}`,
  repoTags: ['busybox:latest'],
  repoDigests: [],
  created: '2026-01-01T00:00:00Z',
  architecture: 'amd64',
  os: 'linux',
  parent: '',
  config: { Cmd: ['sh'], Env: ['PATH=/bin'], Labels: { from: 'image' } },
  diffIds: [`sha256:${'b'.repeat(64)}`],
  chainId: `sha256:${'b'.repeat(64)}`,
  size: 1000,
  history: [],
}

function findImage(reference: string): Image | undefined {
  return ['busybox', 'busybox:latest', image.id].includes(reference) ? image : undefined
}

function images(): ImageStore {
  return {
    find: findImage,
    get: (reference) => {
      const found = findImage(reference)
      if (found === undefined) throw new GantryError('NotFound', `No such image: ${reference}:latest`)
      return found
    },
    list: () => [image],
  } as Partial<ImageStore> as ImageStore
}

function snapshotter(snapshots: Set<string>): Snapshotter {
  return {
    name: 'overlay2',
    prepare: async (key) => void snapshots.add(key),
    activate: async () => {},
    deactivate: async () => {},
    mount: (key) => ({ type: 'overlay', lower: ['/lower'], upper: `/${key}/diff`, work: `/${key}/work` }),
    mountpoint: (key) => `/${key}/merged`,
    remove: async (key) => void snapshots.delete(key),
    keys: () => [...snapshots],
    graphData: () => ({}),
    usage: async () => 10,
  } as Partial<Snapshotter> as Snapshotter
}

function recorder(events: string[]): Events {
  return {
    emit: (type: EventMessage['Type'], action: string) => void events.push(type === 'container' ? action : `${type} ${action}`),
    stream: () => {
      throw new Error('nobody listens here')
    },
  }
}

const bridge: NetworkInfo = {
  id: 'c'.repeat(64),
  name: 'bridge',
  driver: 'bridge',
  scope: 'local',
  created: '',
  internal: false,
  attachable: false,
  enableIPv4: true,
  enableIPv6: false,
  ipam: { driver: 'default', options: null, config: [{ subnet: '172.17.0.0/16', gateway: '172.17.0.1' }] },
  options: {},
  labels: {},
}

/** One bridge; keeps the books only. */
export class FakeNetwork implements NetworkService {
  readonly held = new Map<string, Endpoint>()
  readonly attached = new Map<string, number>()
  fail: Error | undefined

  list(): NetworkInfo[] {
    return [bridge, { ...bridge, id: 'd'.repeat(64), name: 'none', driver: 'null' }]
  }

  get(ref: string): NetworkInfo {
    const found = this.list().find(({ id, name }) => id === ref || name === ref)
    if (found === undefined) throw new GantryError('NotFound', `network ${ref} not found`)
    return found
  }

  async allocate(request: AllocateEndpoint): Promise<Endpoint> {
    if (this.fail !== undefined) throw this.fail
    const endpoint: Endpoint = {
      ...request,
      id: `endpoint-${this.held.size}`,
      ipv4: `172.17.0.${this.held.size + 2}`,
      prefix: 16,
      gateway: '172.17.0.1',
      ipv6: '',
      prefix6: 0,
      gateway6: '',
      mac: request.mac ?? '02:42:ac:11:00:02',
      hostInterface: 'veth0',
      containerInterface: 'eth0',
      gwPriority: request.gwPriority ?? 0,
      dnsNames: request.dnsNames ?? [],
      links: request.links ?? [],
      ports: {},
    }
    this.held.set(endpoint.id, endpoint)
    return endpoint
  }

  async attach(endpointId: string, pid: number): Promise<Endpoint> {
    this.attached.set(endpointId, pid)
    return this.held.get(endpointId) as Endpoint
  }

  async detach(endpointId: string): Promise<void> {
    this.attached.delete(endpointId)
  }

  async release(endpointId: string): Promise<void> {
    this.held.delete(endpointId)
  }

  endpoints(): Endpoint[] {
    return [...this.held.values()]
  }

  endpointsOf(containerId: string): Endpoint[] {
    return this.endpoints().filter((endpoint) => endpoint.containerId === containerId)
  }

  async publish(_containerId: string, wanted: Record<string, PortBinding[]>): Promise<BoundPorts> {
    return Object.fromEntries(Object.entries(wanted).map(([port, bindings]) => [port, bindings.map(({ HostPort }) => ({ HostIp: '0.0.0.0', HostPort: HostPort || '32768' }))]))
  }

  async publishMore(): Promise<BoundPorts | undefined> {
    return undefined
  }

  names(): NameRecord[] {
    return []
  }

  create(): Promise<NetworkInfo> {
    return Promise.reject(new Error('nothing is created here'))
  }

  async remove(): Promise<void> {}
  rename(): void {}
  async resolveNames(): Promise<void> {}
  async attachNone(): Promise<void> {}
  async recover(): Promise<void> {}
  async close(): Promise<void> {}
}

const fakeSpecs: ContainerSpecs = {
  validate: () => [],
  validateUpdate: () => [],
  build: () => ({ ociVersion: '1.2.0' }),
  execProcess: (_container, { exec }) => ({ user: { uid: 0, gid: 0 }, args: exec.Cmd ?? [], cwd: '/', terminal: exec.Tty }),
}

/** These answer with a descriptor, which somebody closes. */
const opening = new Set(['fsopen', 'fsmount', 'open_tree'].map(nr))

/** Everything succeeds, but nothing can be found. */
const fakeKernel: Kernel = {
  syscall: (number) => (number === nr('openat2') ? -2 : opening.has(number) ? openSync('/', 'r') : 0),
  spawnMonitor: () => Promise.reject(new Error('nothing is spawned here')),
  tool: async (argv) => ({ code: argv.includes('-ef') ? 0 : 1, stdout: 'UID PID CMD\nroot 1000 sleep 9\nroot 1 init\n', stderr: '' }),
}
