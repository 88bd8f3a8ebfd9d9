/** One flag of gantryd's command line, by dockerd's names. */
export interface Flag {
  name: string
  short?: string
  kind: 'bool' | 'string' | 'list' | 'int' | 'map'
  /** Its key in daemon.json where that is not the name. */
  key?: string
  /** Only a flag, never in daemon.json. */
  flagOnly?: boolean
  /** Only in daemon.json, never a flag. */
  fileOnly?: boolean
  /** One line for --help: "word what it does"; the word stands for the value. */
  help: string
}

export const flags: readonly Flag[] = [
  { name: 'add-runtime', kind: 'list', flagOnly: true, help: 'NAME=PATH|Register an OCI runtime' },
  { name: 'allow-plain-tcp', kind: 'bool', help: 'Let --host tcp:// listen off loopback, without TLS: whoever reaches it is root' },
  { name: 'bip', kind: 'string', help: 'string|Specify default-bridge IPv4 network' },
  { name: 'bridge', short: 'b', kind: 'string', help: 'string|Attach containers to a network bridge' },
  { name: 'bridge-name', kind: 'string', help: 'string|Name of the default bridge\'s interface (default "docker0")' },
  { name: 'config-file', kind: 'string', flagOnly: true, help: 'string|Daemon configuration file (default "/etc/gantry/daemon.json")' },
  { name: 'data-root', kind: 'string', help: 'string|Root directory of persistent state (default "/var/lib/gantry")' },
  { name: 'debug', short: 'D', kind: 'bool', help: 'Enable debug mode' },
  { name: 'default-runtime', kind: 'string', help: 'string|Default OCI runtime for containers (default "gantry")' },
  { name: 'dns', kind: 'list', help: 'list|DNS server to use' },
  { name: 'dns-opt', kind: 'list', key: 'dns-opts', help: 'list|DNS options to use' },
  { name: 'dns-search', kind: 'list', help: 'list|DNS search domains to use' },
  { name: 'exec-root', kind: 'string', help: 'string|Root directory for execution state files (default "/run/gantry")' },
  { name: 'group', short: 'G', kind: 'string', help: 'string|Group for the unix socket (default "docker")' },
  { name: 'help', kind: 'bool', flagOnly: true, help: 'Print usage' },
  { name: 'host', short: 'H', kind: 'list', key: 'hosts', help: 'list|Daemon socket(s) to connect to' },
  { name: 'init-path', kind: 'string', help: 'string|Path to the init binary' },
  { name: 'insecure-registry', kind: 'list', key: 'insecure-registries', help: 'list|Enable insecure registry communication' },
  { name: 'label', kind: 'list', key: 'labels', help: 'list|Set key=value labels to the daemon' },
  { name: 'live-restore', kind: 'bool', help: 'Keep containers while the daemon is away (always on)' },
  { name: 'log-driver', kind: 'string', help: 'string|Default driver for container logs (default "json-file")' },
  { name: 'log-format', kind: 'string', help: 'string|Set the logging format ("text"|"json") (default "text")' },
  { name: 'log-level', short: 'l', kind: 'string', help: 'string|Set the logging level ("debug"|"info"|"warn"|"error"|"fatal") (default "info")' },
  { name: 'max-concurrent-downloads', kind: 'int', help: 'int|Set the max concurrent downloads (default 3)' },
  { name: 'max-concurrent-uploads', kind: 'int', help: 'int|Set the max concurrent uploads (default 5)' },
  { name: 'max-download-attempts', kind: 'int', help: 'int|Set the max download attempts for each pull (default 5)' },
  { name: 'mtu', kind: 'int', help: 'int|Set the MTU for the default "bridge" network (default 1500)' },
  { name: 'pidfile', short: 'p', kind: 'string', help: 'string|Path to use for daemon PID file (default "/run/gantry.pid")' },
  { name: 'registry-mirror', kind: 'list', key: 'registry-mirrors', help: 'list|Preferred registry mirror' },
  { name: 'runtimes', kind: 'map', fileOnly: true, help: 'OCI runtimes by name: path and runtimeArgs' },
  { name: 'storage-driver', short: 's', kind: 'string', help: 'string|Storage driver to use (default "overlay2")' },
  { name: 'userland-proxy', kind: 'bool', help: 'Use userland proxy for loopback traffic (default true)' },
  { name: 'userland-proxy-path', kind: 'string', help: 'string|Path to the userland proxy binary' },
  { name: 'version', short: 'v', kind: 'bool', flagOnly: true, help: 'Print version information and quit' },
]

/** Flags and keys that dockerd has and gantryd has not yet: they are refused by name, never ignored. */
export const missingFlags: ReadonlySet<string> = new Set([
  'allow-direct-routing', 'allow-nondistributable-artifacts', 'api-cors-header', 'authorization-plugin', 'bip6',
  'bridge-accept-fwmark', 'cdi-spec-dir', 'cgroup-parent', 'containerd', 'containerd-namespace', 'containerd-plugins-namespace',
  'cpu-rt-period', 'cpu-rt-runtime', 'cri-containerd', 'default-address-pool', 'default-cgroupns-mode', 'default-gateway',
  'default-gateway-v6', 'default-ipc-mode', 'default-network-opt', 'default-shm-size', 'default-ulimit', 'exec-opt', 'experimental',
  'feature', 'firewall-backend', 'fixed-cidr', 'fixed-cidr-v6', 'host-gateway-ip', 'http-proxy', 'https-proxy', 'icc', 'init',
  'ip', 'ip-forward', 'ip-forward-no-drop', 'ip-masq', 'ip6tables', 'iptables', 'ipv6', 'log-opt',
  'metrics-addr', 'network-control-plane-mtu',
  'no-new-privileges', 'no-proxy', 'node-generic-resource', 'oom-score-adjust', 'raw-logs', 'rootless',
  'seccomp-profile', 'selinux-enabled', 'shutdown-timeout', 'storage-opt', 'swarm-default-advertise-addr', 'tls', 'tlscacert',
  'tlscert', 'tlskey', 'tlsverify', 'userns-remap', 'validate',
])

/** daemon.json's plural or other spellings of the above. */
export const missingKeys: ReadonlyMap<string, string> = new Map([
  ['authorization-plugins', 'authorization-plugin'], ['builder', 'builder'], ['cdi-spec-dirs', 'cdi-spec-dir'],
  ['default-address-pools', 'default-address-pool'], ['default-ulimits', 'default-ulimit'],  ['exec-opts', 'exec-opt'],
  ['features', 'feature'], ['log-opts', 'log-opt'],
  ['node-generic-resources', 'node-generic-resource'], ['proxies', 'http-proxy'],
  ['storage-opts', 'storage-opt'],
])
