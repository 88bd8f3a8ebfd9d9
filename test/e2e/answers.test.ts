import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { makeClient } from './harness/client.ts'
import { type Engine, startEngine } from './harness/engine.ts'
import { provideImages, tiny } from './harness/image.ts'

/**
 * The fields of the Engine API's answers, version 1.51, by its documentation: name, then string, number, boolean, array or object by its
 * first letter; "?" for what need not be there, "~" for what may be null. What is listed nowhere must not be answered.
 */
const shapes = {
  info: `ID:s Containers:n ContainersRunning:n ContainersPaused:n ContainersStopped:n Images:n Driver:s DriverStatus:a DockerRootDir:s Plugins:o MemoryLimit:b SwapLimit:b KernelMemoryTCP:b? CpuCfsPeriod:b CpuCfsQuota:b
    CPUShares:b CPUSet:b PidsLimit:b OomKillDisable:b IPv4Forwarding:b Debug:b NFd:n NGoroutines:n SystemTime:s LoggingDriver:s CgroupDriver:s CgroupVersion:s NEventsListener:n KernelVersion:s OperatingSystem:s
    OSVersion:s OSType:s Architecture:s NCPU:n MemTotal:n IndexServerAddress:s RegistryConfig:o GenericResources:a~ HttpProxy:s HttpsProxy:s NoProxy:s Name:s Labels:a ExperimentalBuild:b ServerVersion:s Runtimes:o
    DefaultRuntime:s Swarm:o LiveRestoreEnabled:b Isolation:s InitBinary:s ContainerdCommit:o RuncCommit:o InitCommit:o SecurityOptions:a ProductLicense:s? DefaultAddressPools:a? FirewallBackend:o DiscoveredDevices:a?
    Warnings:a~ CDISpecDirs:a Containerd:o?`,
  version: 'Platform:o Components:a Version:s ApiVersion:s MinAPIVersion:s GitCommit:s GoVersion:s Os:s Arch:s KernelVersion:s BuildTime:s Experimental:b?',
  usage: 'LayersSize:n Images:a Containers:a Volumes:a BuildCache:a',
  container: `Id:s Created:s Path:s Args:a State:o Image:s ResolvConfPath:s HostnamePath:s HostsPath:s LogPath:s Name:s RestartCount:n Driver:s Platform:s ImageManifestDescriptor:o MountLabel:s ProcessLabel:s
    AppArmorProfile:s ExecIDs:a~ HostConfig:o GraphDriver:o SizeRw:n SizeRootFs:n Mounts:a Config:o NetworkSettings:o`,
  state: 'Status:s Running:b Paused:b Restarting:b OOMKilled:b Dead:b Pid:n ExitCode:n Error:s StartedAt:s FinishedAt:s Health:o?',
  hostConfig: `Binds:a~ ContainerIDFile:s LogConfig:o NetworkMode:s PortBindings:o RestartPolicy:o AutoRemove:b VolumeDriver:s VolumesFrom:a~ ConsoleSize:a Annotations:o? CapAdd:a~ CapDrop:a~ CgroupnsMode:s Dns:a~
    DnsOptions:a~ DnsSearch:a~ ExtraHosts:a~ GroupAdd:a~ IpcMode:s Cgroup:s Links:a~ OomScoreAdj:n PidMode:s Privileged:b PublishAllPorts:b ReadonlyRootfs:b SecurityOpt:a~ StorageOpt:o? Tmpfs:o? UTSMode:s UsernsMode:s
    ShmSize:n Sysctls:o? Runtime:s Isolation:s CpuShares:n Memory:n NanoCpus:n CgroupParent:s BlkioWeight:n BlkioWeightDevice:a~ BlkioDeviceReadBps:a~ BlkioDeviceWriteBps:a~ BlkioDeviceReadIOps:a~
    BlkioDeviceWriteIOps:a~ CpuPeriod:n CpuQuota:n CpuRealtimePeriod:n CpuRealtimeRuntime:n CpusetCpus:s CpusetMems:s Devices:a~ DeviceCgroupRules:a~ DeviceRequests:a~ MemoryReservation:n MemorySwap:n
    MemorySwappiness:n~ OomKillDisable:b~ PidsLimit:n~ Ulimits:a~ CpuCount:n CpuPercent:n IOMaximumIOps:n IOMaximumBandwidth:n Mounts:a? MaskedPaths:a~ ReadonlyPaths:a~ Init:b?`,
  config: `Hostname:s Domainname:s User:s AttachStdin:b AttachStdout:b AttachStderr:b ExposedPorts:o? Tty:b OpenStdin:b StdinOnce:b Env:a~ Cmd:a~ Healthcheck:o? ArgsEscaped:b? Image:s Volumes:o~ WorkingDir:s Entrypoint:a~
    NetworkDisabled:b? MacAddress:s? OnBuild:a~ Labels:o~ StopSignal:s? StopTimeout:n? Shell:a?`,
  settings: `Bridge:s SandboxID:s HairpinMode:b LinkLocalIPv6Address:s LinkLocalIPv6PrefixLen:n Ports:o SandboxKey:s SecondaryIPAddresses:a~ SecondaryIPv6Addresses:a~ EndpointID:s Gateway:s GlobalIPv6Address:s
    GlobalIPv6PrefixLen:n IPAddress:s IPPrefixLen:n IPv6Gateway:s MacAddress:s Networks:o`,
  endpoint: `IPAMConfig:o~ Links:a~ MacAddress:s Aliases:a~ DriverOpts:o~ GwPriority:n NetworkID:s EndpointID:s Gateway:s IPAddress:s IPPrefixLen:n IPv6Gateway:s GlobalIPv6Address:s GlobalIPv6PrefixLen:n DNSNames:a~`,
  row: `Id:s Names:a Image:s ImageID:s ImageManifestDescriptor:o Command:s Created:n Ports:a SizeRw:n SizeRootFs:n Labels:o State:s Status:s HostConfig:o NetworkSettings:o Mounts:a`,
  mount: 'Type:s Name:s? Source:s Destination:s Driver:s? Mode:s RW:b Propagation:s',
  image: `Id:s Descriptor:o Manifests:a? RepoTags:a RepoDigests:a Parent:s Comment:s Created:s DockerVersion:s Author:s Config:o Architecture:s Variant:s? Os:s OsVersion:s? Size:n GraphDriver:o RootFS:o Metadata:o`,
  imageRow: 'Id:s ParentId:s RepoTags:a RepoDigests:a Created:n Size:n SharedSize:n Labels:o~ Containers:n Manifests:a? Descriptor:o?',
  network: `Name:s Id:s Created:s Scope:s Driver:s EnableIPv4:b EnableIPv6:b IPAM:o Internal:b Attachable:b Ingress:b ConfigFrom:o ConfigOnly:b Containers:o Options:o Labels:o Peers:a?`,
  volume: 'Name:s Driver:s Mountpoint:s CreatedAt:s Status:o? Labels:o~ Scope:s ClusterVolume:o? Options:o~ UsageData:o?',
  exec: 'CanRemove:b DetachKeys:s ID:s Running:b ExitCode:n~ ProcessConfig:o OpenStdin:b OpenStderr:b OpenStdout:b ContainerID:s Pid:n',
} as const

type Document = Record<string, unknown>
const letterOf = (value: unknown): string => (Array.isArray(value) ? 'a' : (typeof value)[0]!)

/** @returns what is not as documented */
function faults(shape: keyof typeof shapes, answer: Document): string[] {
  const fields = new Map(shapes[shape].split(/\s+/).map((text) => /^(\w+):(\w)(.*)$/.exec(text)!.slice(1) as [string, string, string]).map(([name, letter, marks]) => [name, { letter, marks }]))
  const missing = [...fields].filter(([name, { marks }]) => !marks.includes('?') && answer[name] === undefined).map(([name]) => `${shape}.${name} is missing`)
  const wrong = Object.entries(answer).flatMap(([name, value]) => {
    const field = fields.get(name)
    if (field === undefined) return [`${shape}.${name} is unknown`]
    if (value === null) return field.marks.includes('~') ? [] : [`${shape}.${name} is null`]
    return letterOf(value) === field.letter ? [] : [`${shape}.${name} is of type ${letterOf(value)}`]
  })
  return [...missing, ...wrong]
}

void describe('answers of the Engine API', { concurrency: false }, () => {
  let engine: Engine
  const get = async <T = Document>(place: string): Promise<T> => JSON.parse((await engine.api({ path: `/v1.51${place}` })).text) as T
  const post = async (place: string, document: unknown): Promise<Document> => JSON.parse((await engine.api({ method: 'POST', path: `/v1.51${place}`, body: JSON.stringify(document), contentType: 'application/json' })).text) as Document

  before(async () => {
    engine = await startEngine({ kind: 'gantryd' })
    await provideImages(makeClient('docker', engine), [tiny])
  })
  after(() => engine.remove())

  void test('have every field that is documented, of its type, and no other, whether a client said much or nothing', async () => {
    await post('/networks/create', { Name: 'mine' })
    await post('/volumes/create', { Name: 'vol' })
    const bare = await post('/containers/create', { Image: tiny, Cmd: ['true'] })
    const full = await post('/containers/create', {
      Image: tiny, Cmd: ['sleep', '99'], Labels: { a: 'b' }, ExposedPorts: { '80/tcp': {} }, Healthcheck: { Test: ['CMD', 'true'] },
      HostConfig: { Binds: ['vol:/vol'], PortBindings: { '80/tcp': [{}] }, Memory: 64 << 20, Tmpfs: { '/mem': '' }, NetworkMode: 'mine' },
    })
    await engine.api({ method: 'POST', path: `/containers/${String(full['Id'])}/start` })
    const found = [faults('info', await get('/info')), faults('version', await get('/version')), faults('usage', await get('/system/df'))]
    for (const { Id } of [bare, full]) {
      const container = await get<Record<string, Document>>(`/containers/${String(Id)}/json?size=1`)
      const { State = {}, HostConfig = {}, Config = {}, NetworkSettings = {}, Mounts } = container
      found.push(faults('container', container), faults('state', State), faults('hostConfig', HostConfig), faults('config', Config), faults('settings', NetworkSettings))
      for (const endpoint of Object.values(NetworkSettings['Networks'] as Record<string, Document>)) found.push(faults('endpoint', endpoint))
      for (const mount of Mounts as unknown as Document[]) found.push(faults('mount', mount))
    }
    for (const row of await get<Document[]>('/containers/json?all=1&size=1')) found.push(faults('row', row))
    for (const row of await get<Document[]>('/images/json')) found.push(faults('imageRow', row), faults('image', await get(`/images/${String(row['Id'])}/json`)))
    for (const { Id } of await get<Document[]>('/networks')) found.push(faults('network', await get(`/networks/${String(Id)}`)))
    for (const volume of (await get<{ Volumes: Document[] }>('/volumes')).Volumes) found.push(faults('volume', volume))
    const exec = await post(`/containers/${String(full['Id'])}/exec`, { Cmd: ['true'] })
    found.push(faults('exec', await get(`/exec/${String(exec['Id'])}/json`)))
    assert.deepEqual(found.flat(), [])
  })

  void test('say what a runtime can do, and since version 1.48 of which manifest a container is', async () => {
    const { Runtimes } = await get<{ Runtimes: Record<string, { status?: Record<string, string> }> }>('/info')
    const features = JSON.parse(Runtimes['gantry']?.status?.['org.opencontainers.runtime-spec.features'] ?? '{}') as { linux?: { namespaces?: string[] } }
    assert.ok(features.linux?.namespaces?.includes('user'))
    const [row] = await get<{ Id: string; ImageManifestDescriptor: { mediaType: string; digest: string; platform: { os: string } } }[]>('/containers/json?all=1')
    assert.match(row!.ImageManifestDescriptor.digest, /^sha256:[0-9a-f]{64}$/)
    assert.equal(row!.ImageManifestDescriptor.platform.os, 'linux')
    for (const place of ['/v1.47/containers/json?all=1', `/v1.47/containers/${row!.Id}/json`]) assert.equal((await engine.api({ path: place })).text.includes('ImageManifestDescriptor'), false)
  })

  void test('what is experimental answers that, without --experimental', async () => {
    const disabled = { message: 'This experimental feature is disabled by default. Start the Docker daemon in experimental mode in order to enable it.' }
    const [row] = await get<{ Id: string }[]>('/containers/json?all=1')
    for (const [method, more] of [['GET', ''], ['POST', ''], ['DELETE', '/one']] as const) {
      const { status, text } = await engine.api({ method, path: `/containers/${row!.Id}/checkpoints${more}` })
      assert.deepEqual([status, JSON.parse(text)], [501, disabled])
    }
    const { status, text } = await engine.api({ method: 'POST', path: `/containers/${row!.Id}/start?checkpoint=one` })
    assert.deepEqual([status, JSON.parse(text)], [400, { message: 'checkpoint is only supported in experimental mode' }])
  })
})
