/** Bodies that are right, by route; the fuzz changes a value of them. Containers made of them end by themselves. */
export const bodies: Record<string, unknown> = {
  'POST /containers/create': {
    Image: 'tiny', Cmd: ['true'], Entrypoint: [], Env: ['A=b'], Hostname: 'h', Domainname: '', User: '', WorkingDir: '/', Labels: { a: 'b' }, ExposedPorts: { '80/tcp': {} }, Volumes: { '/v': {} },
    StopSignal: 'SIGTERM', StopTimeout: 1, Tty: false, OpenStdin: false, Healthcheck: { Test: ['CMD', 'true'], Interval: 1_000_000_000, Timeout: 0, Retries: 1, StartPeriod: 0 },
    HostConfig: {
      Memory: 33_554_432, NanoCpus: 0, CpuShares: 0, CpusetCpus: '', PidsLimit: 10, OomScoreAdj: 0, ShmSize: 65_536, NetworkMode: 'bridge', IpcMode: 'private', PidMode: '', UTSMode: '', CgroupnsMode: '', UsernsMode: '',
      RestartPolicy: { Name: 'no', MaximumRetryCount: 0 }, AutoRemove: false, Privileged: false, ReadonlyRootfs: false, PublishAllPorts: false, Init: false, CapAdd: ['NET_ADMIN'], CapDrop: ['ALL'], SecurityOpt: ['no-new-privileges'],
      Binds: [], Mounts: [{ Type: 'tmpfs', Target: '/t', TmpfsOptions: { SizeBytes: 4096, Mode: 448 } }, { Type: 'volume', Source: 'fuzz-volume', Target: '/w', ReadOnly: true }], Tmpfs: { '/s': 'size=4k' },
      PortBindings: { '80/tcp': [{ HostIp: '127.0.0.1', HostPort: '' }] }, Dns: ['127.0.0.1'], DnsOptions: [], DnsSearch: [], ExtraHosts: ['a:127.0.0.1'], GroupAdd: ['0'], Ulimits: [{ Name: 'nofile', Soft: 100, Hard: 100 }],
      Sysctls: { 'net.ipv4.ip_forward': '0' }, Devices: [], DeviceCgroupRules: [], LogConfig: { Type: 'json-file', Config: { 'max-size': '1m' } }, Runtime: '', Annotations: { x: 'y' }, Links: [], VolumesFrom: [],
    },
    NetworkingConfig: { EndpointsConfig: { bridge: { Aliases: [], IPAMConfig: {}, DriverOpts: {}, MacAddress: '' } } },
  },
  'POST /containers/{name}/update': { Memory: 67_108_864, CpuShares: 10, PidsLimit: 20, RestartPolicy: { Name: 'no', MaximumRetryCount: 0 } },
  'POST /containers/{name}/exec': { Cmd: ['true'], AttachStdin: false, AttachStdout: true, AttachStderr: true, Tty: false, Env: ['A=b'], User: '', WorkingDir: '', Privileged: false, DetachKeys: '', ConsoleSize: [10, 20] },
  'POST /exec/{name}/start': { Detach: true, Tty: false, ConsoleSize: [10, 20] },
  'POST /networks/create': { Name: 'fuzz', Driver: 'bridge', Internal: false, Attachable: false, EnableIPv6: false, IPAM: { Driver: 'default', Config: [{ Subnet: '10.199.0.0/24', Gateway: '10.199.0.1', IPRange: '10.199.0.0/28', AuxiliaryAddresses: { a: '10.199.0.9' } }], Options: {} }, Options: { 'com.docker.network.driver.mtu': '1400' }, Labels: { a: 'b' } },
  'POST /networks/{name}/connect': { Container: 'running', EndpointConfig: { IPAMConfig: { IPv4Address: '' }, Aliases: ['x'], DriverOpts: {}, GwPriority: 0 } },
  'POST /networks/{name}/disconnect': { Container: 'running', Force: false },
  'POST /volumes/create': { Name: 'fuzz-made', Driver: 'local', DriverOpts: {}, Labels: { a: 'b' } },
  'POST /auth': { username: 'a', password: 'b', serveraddress: '127.0.0.1:1' },
  'POST /commit': { Cmd: ['true'], Env: ['A=b'], ExposedPorts: {}, Labels: {} },
}

/** What there is, or may be, by the first word of a path. */
export const names: Record<string, string[]> = {
  containers: ['running', 'stopped'],
  images: ['tiny', 'tiny:latest', 'missing'],
  networks: ['bridge', 'host', 'none', 'fuzz'],
  volumes: ['fuzz-made', 'fuzz-volume'],
  exec: ['json', 'missing'],
  gantry: ['running', 'stopped', 'prune'],
}

export const bodyKeys = [
  'Image', 'Cmd', 'Entrypoint', 'Env', 'HostConfig', 'NetworkMode', 'Binds', 'Mounts', 'Type', 'Source', 'Target', 'Memory', 'PortBindings', 'HostPort', 'Name', 'Driver', 'Options', 'Labels', 'IPAM', 'Config', 'Subnet', 'Container',
  'EndpointConfig', 'RestartPolicy', 'MaximumRetryCount', 'Detach', 'Tty', 'ConsoleSize', 'Healthcheck', 'Test', 'Interval', 'Ulimits', 'LogConfig', 'CapAdd',
]

export const queryKeys = [
  'all', 'limit', 'size', 'filters', 'name', 't', 'signal', 'condition', 'stdout', 'stderr', 'follow', 'tail', 'since', 'until', 'timestamps', 'details', 'stream', 'one-shot', 'platform', 'fromImage', 'fromSrc', 'repo', 'tag', 'path', 'h', 'w',
  'ps_args', 'link', 'force', 'v', 'detachKeys', 'logs', 'stdin', 'container', 'comment', 'author', 'pause', 'changes', 'noprune', 'digests', 'shared-size', 'manifests', 'names', 'quiet', 'term', 'dangling', 'verbose', 'scope', 'type', 'keep-storage',
  'noOverwriteDirNonDir', 'copyUIDGID', 'dockerfile', 'remote', 'buildargs', 'labels', 'version', 'nocache', 'id', 'driver', 'message',
]

export const queryValues = [
  '', '0', '1', 'true', 'false', '-1', '5', '1.5', '1700000000', '2024-01-01T00:00:00Z', '2024-13-45', '1h', 'all', 'next-exit', 'removed', 'SIGTERM', '9', '999', 'linux/amd64', 'tiny', 'tiny:latest', '/etc/passwd', '/', '../..', '/proc/self/root', 'local', 'bridge', 'v2',
  '{"label":["a=b"]}', '{"label":{"a=b":true}}', '{"status":["running"]}', '{"status":["nonsense"]}', '{"id":[""]}', '{"until":["x"]}', '{"a":1}', '[]', '{"exited":["x"]}', '{"before":["none"]}', '{"health":["x"]}', '-ef', '-o pid', 'http://127.0.0.1:1/x', '{"A":"b"}', 'ctrl-p,ctrl-q',
]
