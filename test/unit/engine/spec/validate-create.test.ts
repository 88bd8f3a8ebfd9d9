import assert from 'node:assert/strict'
import { test } from 'node:test'
import { validateCreate } from '../../../../src/engine/spec/validate/validate-create.ts'
import type { HostFacts } from '../../../../src/engine/spec/input.ts'
import type { ContainerConfig } from '../../../../src/engine/types/container-config.ts'
import type { EndpointSettings, HostConfig } from '../../../../src/engine/types/host-config.ts'
import { host } from './spec-input.ts'

/** What the docker client sends for `docker create IMAGE`, as recorded from version 28. */
const clientDefaults: HostConfig = {
  Binds: null,
  ContainerIDFile: '',
  LogConfig: { Type: '', Config: {} },
  NetworkMode: 'default',
  PortBindings: {},
  RestartPolicy: { Name: 'no', MaximumRetryCount: 0 },
  AutoRemove: false,
  VolumeDriver: '',
  VolumesFrom: null,
  ConsoleSize: [0, 0],
  CapAdd: null,
  CapDrop: null,
  CgroupnsMode: '',
  Dns: [],
  DnsOptions: [],
  DnsSearch: [],
  ExtraHosts: null,
  GroupAdd: null,
  IpcMode: '',
  Cgroup: '',
  Links: null,
  OomScoreAdj: 0,
  PidMode: '',
  Privileged: false,
  PublishAllPorts: false,
  ReadonlyRootfs: false,
  SecurityOpt: null,
  UTSMode: '',
  UsernsMode: '',
  ShmSize: 0,
  Isolation: '',
  CpuShares: 0,
  Memory: 0,
  NanoCpus: 0,
  CgroupParent: '',
  BlkioWeight: 0,
  BlkioWeightDevice: [],
  BlkioDeviceReadBps: [],
  BlkioDeviceWriteBps: [],
  BlkioDeviceReadIOps: [],
  BlkioDeviceWriteIOps: [],
  CpuPeriod: 0,
  CpuQuota: 0,
  CpuRealtimePeriod: 0,
  CpuRealtimeRuntime: 0,
  CpusetCpus: '',
  CpusetMems: '',
  Devices: [],
  DeviceCgroupRules: null,
  DeviceRequests: null,
  MemoryReservation: 0,
  MemorySwap: 0,
  MemorySwappiness: -1,
  OomKillDisable: false,
  PidsLimit: 0,
  Ulimits: [],
  MaskedPaths: null,
  ReadonlyPaths: null,
}

interface Case {
  host?: HostConfig
  config?: ContainerConfig
  networking?: Record<string, EndpointSettings>
  facts?: Partial<HostFacts>
}

function validate({ host: hostConfig, config, networking = { default: {} }, facts }: Case): string[] {
  return validateCreate({
    config: { Cmd: ['true'], ...config },
    hostConfig: { ...clientDefaults, ...hostConfig },
    networking,
    host: { ...host, ...facts },
  })
}

function refuses(kind: string, message: string, cases: Case): void {
  assert.throws(() => validate(cases), (error: Error & { kind?: string }) => {
    assert.deepEqual({ kind: error.kind, message: error.message }, { kind, message })
    return true
  })
}

function invalid(message: string, cases: Case): void {
  refuses('InvalidParameter', message, cases)
}

void test('what a default client sends is fine and warns of nothing', () => {
  assert.deepEqual(validate({}), [])
  assert.deepEqual(validateCreate({ config: {}, hostConfig: {}, networking: {}, host }), [])
})

void test('memory limits are checked as Docker checks them', () => {
  invalid('Minimum memory limit allowed is 6MB', { host: { Memory: 1 } })
  invalid('Minimum memory limit allowed is 6MB', { host: { Memory: 6291455 } })
  assert.deepEqual(validate({ host: { Memory: 6291456 } }), [])
  invalid('Minimum memoryswap limit should be larger than memory limit, see usage', { host: { Memory: 1e8, MemorySwap: 1e7 } })
  invalid('You should always set the Memory limit when using Memoryswap limit, see usage', { host: { MemorySwap: 1e8 } })
  assert.deepEqual(validate({ host: { Memory: 1e8, MemorySwap: -1 } }), [])
  invalid('Minimum memory reservation allowed is 6MB', { host: { MemoryReservation: 1 } })
  invalid('Minimum memory limit can not be less than memory reservation limit, see usage', { host: { Memory: 1e7, MemoryReservation: 2e7 } })
  invalid('Invalid value: 101, valid memory swappiness range is 0-100', { host: { MemorySwappiness: 101 } })
})

void test('a host without swap accounting is warned about', () => {
  const text = 'Your kernel does not support swap limit capabilities or the cgroup is not mounted. Memory limited without swap.'
  assert.deepEqual(validate({ host: { Memory: 1e8 }, facts: { swapLimit: false } }), [text])
})

void test('processor limits are checked as Docker checks them', () => {
  invalid('Conflicting options: Nano CPUs and CPU Period cannot both be set', { host: { NanoCpus: 1e9, CpuPeriod: 1000 } })
  invalid('Conflicting options: Nano CPUs and CPU Quota cannot both be set', { host: { NanoCpus: 1e9, CpuQuota: 1000 } })
  invalid('range of CPUs is from 0.01 to 4.00, as there are only 4 CPUs available', { host: { NanoCpus: 5e9 } })
  invalid('range of CPUs is from 0.01 to 4.00, as there are only 4 CPUs available', { host: { NanoCpus: -1 } })
  assert.deepEqual(validate({ host: { NanoCpus: 4e9 } }), [])
  invalid('CPU cfs period can not be less than 1ms (i.e. 1000) or larger than 1s (i.e. 1000000)', { host: { CpuPeriod: 999 } })
  invalid('CPU cfs quota can not be less than 1ms (i.e. 1000)', { host: { CpuQuota: 999 } })
  invalid('Requested CPUs are not available - requested 0-4, available: 0-3', { host: { CpusetCpus: '0-4' } })
  invalid('Requested memory nodes are not available - requested 0-2, available: 0-1,4', { host: { CpusetMems: '0-2' } })
  invalid('Requested memory nodes are not available - requested 1,3, available: 0-1,4', { host: { CpusetMems: '1,3' } })
  invalid('Invalid value 1- for cpuset mems: invalid format: 1-', { host: { CpusetMems: '1-' } })
  invalid('Invalid value a for cpuset cpus: invalid format: a', { host: { CpusetCpus: 'a' } })
  assert.deepEqual(validate({ host: { CpusetCpus: '0-1,3' } }), [])
})

void test('other numbers have their ranges', () => {
  invalid('Invalid value 1001, range for oom score adj is [-1000, 1000]', { host: { OomScoreAdj: 1001 } })
  invalid('SHM size can not be less than 0', { host: { ShmSize: -1 } })
  invalid('invalid ulimit type: bogus', { host: { Ulimits: [{ Name: 'bogus', Soft: 1, Hard: 1 }] } })
})

void test('binds are checked as Docker checks them', () => {
  invalid("invalid volume specification: 'a:b:c:d'", { host: { Binds: ['a:b:c:d'] } })
  invalid("invalid volume specification: ''", { host: { Binds: [''] } })
  invalid("invalid volume specification: '/a:'", { host: { Binds: ['/a:'] } })
  invalid('invalid mode: rz', { host: { Binds: ['/a:/b:rz'] } })
  invalid('invalid mode: ro,rw', { host: { Binds: ['/a:/b:ro,rw'] } })
  invalid("invalid volume specification: '/a:b': invalid mount config for type \"bind\": invalid mount path: 'b' mount path must be absolute", {
    host: { Binds: ['/a:b'] },
  })
  invalid("invalid volume specification: '/a:/': invalid mount config for type \"bind\": invalid specification: destination can't be '/'", {
    host: { Binds: ['/a:/'] },
  })
  invalid('Duplicate mount point: /b', { host: { Binds: ['/a:/b', '/c:/b/'] } })
  invalid('Duplicate mount point: /b', { host: { Binds: ['/a:/b'], Tmpfs: { '/b': '' } } })
  assert.deepEqual(validate({ host: { Binds: ['/missing/source:/b:ro,z', '/data'] } }), [])
})

void test('a volume has a name, and a relative path is none', () => {
  assert.deepEqual(validate({ host: { Binds: ['data:/b', 'data:/c:ro,nocopy,Z'] } }), [])
  invalid("invalid volume specification: 'data:/b:slave': invalid mount config for type \"volume\": field BindOptions must not be specified", { host: { Binds: ['data:/b:slave'] } })
  invalid("invalid volume specification: '/a:/b:nocopy': invalid mount config for type \"bind\": field VolumeOptions must not be specified", { host: { Binds: ['/a:/b:nocopy'] } })
  assert.throws(() => validate({ host: { Binds: ['./data:/b'] } }), /includes invalid characters for a local volume name/)
})

function mount(fields: object): Case {
  return { host: { Mounts: [{ Type: 'bind', Source: '/', Target: '/b', ...fields }] } }
}

void test('--mount is checked as Docker checks it', () => {
  invalid('invalid mount config for type "bind": bind source path does not exist: /no/such', mount({ Source: '/no/such' }))
  invalid('invalid mount config for type "bind": field Source must not be empty', mount({ Source: '' }))
  invalid('invalid mount config for type "bind": field Target must not be empty', mount({ Target: '' }))
  invalid('invalid mount config for type "bind": invalid mount path: \'b\' mount path must be absolute', mount({ Target: 'b' }))
  invalid('invalid mount config for type "what": mount type unknown', mount({ Type: 'what' }))
  invalid('invalid mount config for type "tmpfs": field Source must not be specified', mount({ Type: 'tmpfs' }))
  const volume = (fields: object): Case => mount({ Type: 'volume', Source: 'data', ...fields })
  assert.deepEqual(validate(volume({ ReadOnly: true, VolumeOptions: { NoCopy: true, Subpath: 'a/b' } })), [])
  invalid('invalid mount config for type "volume": field BindOptions must not be specified', volume({ BindOptions: {} }))
  invalid('invalid mount config for type "volume": must not set ReadOnly mode when using anonymous volumes', volume({ Source: '', ReadOnly: true }))
  invalid('invalid mount config for type "volume": must not set Subpath when using anonymous volumes', volume({ Source: '', VolumeOptions: { Subpath: 'a' } }))
  invalid('invalid mount config for type "volume": subpath must be a relative path within the volume', volume({ VolumeOptions: { Subpath: '../a' } }))
  assert.throws(() => validate(volume({ Source: './data' })), /includes invalid characters for a local volume name/)
  invalid('invalid mount config for type "image": field Source must not be empty', mount({ Type: 'image', Source: '' }))
  invalid('invalid mount config for type "tmpfs": invalid option: size', mount({ Type: 'tmpfs', Source: '', TmpfsOptions: { Options: [['size', '1']] } }))
  invalid('invalid mount config for type "bind": mount options conflict: !ReadOnly && BindOptions.ReadOnlyNonRecursive', mount({ BindOptions: { ReadOnlyNonRecursive: true } }))
  assert.deepEqual(validate(mount({ Source: '/no/such', BindOptions: { CreateMountpoint: true } })), [])
  assert.deepEqual(validate(mount({})), [])
})

void test('--tmpfs takes the options of a tmpfs', () => {
  assert.deepEqual(validate({ host: { Tmpfs: { '/t': 'rw,size=64m,mode=1777,exec' } } }), [])
  invalid("invalid mount path: 't' mount path must be absolute", { host: { Tmpfs: { t: '' } } })
  invalid('invalid Annotations: the empty string is not permitted as an annotation key', { host: { Annotations: { '': 'x' } } })
  invalid('invalid tmpfs option "bogus"', { host: { Tmpfs: { '/t': 'bogus' } } })
  invalid('invalid tmpfs option "lowerdir=/"', { host: { Tmpfs: { '/t': 'lowerdir=/' } } })
})

void test('capabilities and security options are checked as Docker checks them', () => {
  invalid('invalid CapAdd: unknown capability: "CAP_X"', { host: { CapAdd: ['X'] } })
  invalid('invalid --security-opt 1: "bogus"', { host: { SecurityOpt: ['bogus'] } })
  invalid('invalid --security-opt 2: "bogus=1"', { host: { SecurityOpt: ['bogus=1'] } })
  invalid('invalid --security-opt 2: "no-new-privileges=maybe"', { host: { SecurityOpt: ['no-new-privileges=maybe'] } })
  assert.throws(() => validate({ host: { SecurityOpt: ['seccomp={'] } }), /^GantryError: Decoding seccomp profile failed: ./)
  assert.deepEqual(validate({ host: { SecurityOpt: ['seccomp=unconfined', 'apparmor=unconfined', 'label=disable', 'no-new-privileges:true'] } }), [])
  assert.deepEqual(validate({ host: { SecurityOpt: ['apparmor=mine', 'label=type:t'] }, facts: { apparmor: true, selinux: true } }), [])
})

void test('a capability that the host lacks is warned about when it was named', () => {
  const capabilities = host.capabilities & ~(1n << 24n)
  assert.deepEqual(validate({ host: { CapAdd: ['SYS_RESOURCE'] }, facts: { capabilities } }), [
    'This host does not have CAP_SYS_RESOURCE: the container runs without.',
  ])
  assert.deepEqual(validate({ host: { CapAdd: ['ALL'] }, facts: { capabilities } }), [])
  assert.deepEqual(validate({ host: { Privileged: true }, facts: { capabilities } }), [])
})

void test('the configuration of the process is checked', () => {
  invalid("the working directory 'srv' is invalid, it needs to be an absolute path", { config: { WorkingDir: 'srv' } })
  invalid('Invalid signal: SIGNONE', { config: { StopSignal: 'SIGNONE' } })
  invalid('invalid environment variable: =x', { config: { Env: ['=x'] } })
  for (const StopSignal of ['SIGTERM', 'quit', '9', 'RTMIN+3', 'SIGRTMAX-1']) assert.deepEqual(validate({ config: { StopSignal } }), [])
  for (const StopSignal of ['0', '65', 'RTMIN+40', 'RTMAX+1', '-9']) invalid(`Invalid signal: ${StopSignal}`, { config: { StopSignal } })
})

void test('ports are numbers or ranges', () => {
  invalid('invalid port specification: "http/tcp"', { config: { ExposedPorts: { 'http/tcp': {} } } })
  invalid('invalid port specification: "70000"', { host: { PortBindings: { '80/tcp': [{ HostPort: '70000' }] } } })
  invalid('invalid port specification: "80/icmp"', { host: { PortBindings: { '80/icmp': [] } } })
  invalid('invalid port specification: "80-90/tcp"', { host: { PortBindings: { '80-90/tcp': [{ HostPort: '80-90' }] } } })
  assert.deepEqual(validate({ host: { PortBindings: { '80/tcp': [{ HostPort: '8000-8010' }, { HostPort: '' }], '53/udp': null } } }), [])
})

void test('modes are known words', () => {
  invalid('invalid PID mode', { host: { PidMode: 'x' } })
  invalid('invalid IPC mode: x', { host: { IpcMode: 'x' } })
  invalid('invalid UTS mode: x', { host: { UTSMode: 'x' } })
  for (const mode of ['default', 'bridge', 'host', 'none', 'mine', 'container:a']) {
    assert.deepEqual(validate({ host: { NetworkMode: mode, PidMode: 'container:a', IpcMode: 'host', UTSMode: 'host' }, networking: {} }), [])
  }
})

void test("options contradict another container's network", () => {
  const NetworkMode = 'container:a'
  const networking = { 'container:a': {} }
  invalid('conflicting options: hostname and the network mode', { host: { NetworkMode }, config: { Hostname: 'x' }, networking })
  invalid('conflicting options: hostname and the UTS mode', { host: { UTSMode: 'host' }, config: { Hostname: 'x' } })
  invalid('conflicting options: port publishing and the container type network mode', { host: { NetworkMode, PortBindings: { '80/tcp': [{}] } }, networking })
  invalid('conflicting options: port exposing and the container type network mode', { host: { NetworkMode }, config: { ExposedPorts: { '80/tcp': {} } }, networking })
  invalid('conflicting options: mac-address and the network mode', { host: { NetworkMode }, networking: { 'container:a': { MacAddress: '02:00:00:00:00:01' } } })
  invalid("invalid restart policy: unknown policy 'x'; use one of 'no', 'always', 'on-failure', or 'unless-stopped'", {
    host: { RestartPolicy: { Name: 'x' as 'no', MaximumRetryCount: 0 } },
  })
  invalid("can't create 'AutoRemove' container with restart policy", { host: { AutoRemove: true, RestartPolicy: { Name: 'always', MaximumRetryCount: 0 } } })
})

void test('sysctls must belong to a namespace of the container', () => {
  assert.deepEqual(validate({ host: { Sysctls: { 'net.ipv4.ip_forward': '1', 'kernel.shmmax': '1', 'fs.mqueue.msg_max': '9' } } }), [])
  assert.throws(() => validate({ host: { Sysctls: { 'vm.swappiness': '1' } } }), /sysctl 'vm.swappiness' is not allowed/)
  assert.throws(() => validate({ host: { NetworkMode: 'host', Sysctls: { 'net.core.somaxconn': '1' } } }), /host's network namespace/)
})

void test('devices, weights and what is for Windows are refused with the words of Docker', () => {
  for (const rule of ['c 1:1  r', 'x 1:1 r', 'c 1 r', 'c 1:1 x', '']) invalid(`invalid device cgroup rule format: '${rule}'`, { host: { DeviceCgroupRules: [rule] } })
  assert.deepEqual(validate({ host: { DeviceCgroupRules: ['c 1:3 r', 'a', 'b *:* m'] } }), [])
  invalid('Range of blkio weight is from 10 to 1000', { host: { BlkioWeight: 9 } })
  invalid("invalid isolation (hyperv): linux only supports 'default'", { host: { Isolation: 'hyperv' } })
  assert.deepEqual(validate({ host: { Runtime: 'runc', Isolation: 'default', VolumeDriver: 'local', LogConfig: { Type: 'none', Config: null } } }), [])
})

void test('the times of a health check are a millisecond or more', () => {
  assert.deepEqual(validate({ config: { Healthcheck: { Test: ['CMD', 'true'], Interval: 1_000_000, Timeout: 0, Retries: 0 } } }), [])
  for (const field of ['Interval', 'Timeout', 'StartPeriod', 'StartInterval']) invalid(`${field} in Healthcheck cannot be less than 1ms`, { config: { Healthcheck: { [field]: 999_999 } } })
  invalid('Retries in Healthcheck cannot be negative', { config: { Healthcheck: { Retries: -1 } } })
})
