/** One flag of gantryd's command line, by dockerd's names. */
export interface Flag {
  name: string
  short?: string
  kind: 'bool' | 'string' | 'list' | 'int' | 'map' | 'objects'
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
  { name: 'authorization-plugin', kind: 'list', key: 'authorization-plugins', help: 'list|Authorization plugins to load' },
  { name: 'bip', kind: 'string', help: 'string|Specify default-bridge IPv4 network' },
  { name: 'bip6', kind: 'string', help: 'string|Specify default-bridge IPv6 network' },
  { name: 'bridge', short: 'b', kind: 'string', help: 'string|Attach containers to a network bridge' },
  { name: 'bridge-name', kind: 'string', help: 'string|Name of the default bridge\'s interface (default "docker0")' },
  { name: 'builder', kind: 'map', fileOnly: true, help: 'Garbage collection of the build cache: gc.enabled, gc.defaultKeepStorage, gc.policy' },
  { name: 'cdi-spec-dir', kind: 'list', key: 'cdi-spec-dirs', help: 'list|CDI specification directories to use (default [/etc/cdi,/var/run/cdi])' },
  { name: 'cgroup-parent', kind: 'string', help: 'string|Set parent cgroup for all containers' },
  { name: 'config-file', kind: 'string', flagOnly: true, help: 'string|Daemon configuration file (default "/etc/gantry/daemon.json")' },
  { name: 'data-root', kind: 'string', help: 'string|Root directory of persistent state (default "/var/lib/gantry")' },
  { name: 'debug', short: 'D', kind: 'bool', help: 'Enable debug mode' },
  { name: 'default-address-pool', kind: 'list', flagOnly: true, help: 'pool-options|Default address pools for node specific local networks' },
  { name: 'default-address-pools', kind: 'objects', fileOnly: true, help: 'Default address pools: base and size' },
  { name: 'default-cgroupns-mode', kind: 'string', help: 'string|Default mode for containers cgroup namespace ("host" | "private") (default "private")' },
  { name: 'default-gateway', kind: 'string', help: 'ip|Default gateway IPv4 address for the default bridge network' },
  { name: 'default-gateway-v6', kind: 'string', help: 'ip|Default gateway IPv6 address for the default bridge network' },
  { name: 'default-ipc-mode', kind: 'string', help: 'string|Default mode for containers ipc ("shareable" | "private") (default "private")' },
  { name: 'default-network-opt', kind: 'list', flagOnly: true, help: 'mapmap|Default network options' },
  { name: 'default-network-opts', kind: 'map', fileOnly: true, help: 'Default network options by driver' },
  { name: 'default-runtime', kind: 'string', help: 'string|Default OCI runtime for containers (default "gantry")' },
  { name: 'default-shm-size', kind: 'string', help: 'bytes|Default shm size for containers (default 64MiB)' },
  { name: 'default-ulimit', kind: 'list', flagOnly: true, help: 'ulimit|Default ulimits for containers' },
  { name: 'default-ulimits', kind: 'map', fileOnly: true, help: 'Default ulimits for containers by name: Name, Soft and Hard' },
  { name: 'dns', kind: 'list', help: 'list|DNS server to use' },
  { name: 'dns-opt', kind: 'list', key: 'dns-opts', help: 'list|DNS options to use' },
  { name: 'dns-search', kind: 'list', help: 'list|DNS search domains to use' },
  { name: 'exec-opt', kind: 'list', key: 'exec-opts', help: 'list|Runtime execution options' },
  { name: 'exec-root', kind: 'string', help: 'string|Root directory for execution state files (default "/run/gantry")' },
  { name: 'experimental', kind: 'bool', help: 'Enable experimental features: checkpoints' },
  { name: 'feature', kind: 'list', flagOnly: true, help: 'map|Enable feature in the daemon' },
  { name: 'features', kind: 'map', fileOnly: true, help: 'Features that are on or off, by name' },
  { name: 'fixed-cidr', kind: 'string', help: 'string|IPv4 subnet for the default bridge network' },
  { name: 'firewall-backend', kind: 'string', help: 'string|Firewall backend to use, iptables or nftables (default "nftables")' },
  { name: 'fixed-cidr-v6', kind: 'string', help: 'string|IPv6 subnet for the default bridge network' },
  { name: 'group', short: 'G', kind: 'string', help: 'string|Group for the unix socket (default "docker")' },
  { name: 'help', kind: 'bool', flagOnly: true, help: 'Print usage' },
  { name: 'host', short: 'H', kind: 'list', key: 'hosts', help: 'list|Daemon socket(s) to connect to' },
  { name: 'host-gateway-ip', kind: 'list', key: 'host-gateway-ips', help: 'list|IP addresses that the special "host-gateway" string in --add-host resolves to. Defaults to the IP addresses of the default bridge' },
  { name: 'icc', kind: 'bool', help: 'Enable inter-container communication for the default bridge network (default true)' },
  { name: 'http-proxy', kind: 'string', flagOnly: true, help: 'string|HTTP proxy URL to use for outgoing traffic' },
  { name: 'https-proxy', kind: 'string', flagOnly: true, help: 'string|HTTPS proxy URL to use for outgoing traffic' },
  { name: 'init', kind: 'bool', help: 'Run an init in the container to forward signals and reap processes' },
  { name: 'init-path', kind: 'string', help: 'string|Path to the init binary' },
  { name: 'insecure-registry', kind: 'list', key: 'insecure-registries', help: 'list|Enable insecure registry communication' },
  { name: 'ip', kind: 'string', help: 'ip|Host IP for port publishing from the default bridge network (default 0.0.0.0)' },
  { name: 'ip-forward', kind: 'bool', help: 'Enable IP forwarding in system configuration (default true)' },
  { name: 'ip-masq', kind: 'bool', help: 'Enable IP masquerading for the default bridge network (default true)' },
  { name: 'ip6tables', kind: 'bool', help: 'Enable addition of packet filter rules for IPv6 (default true)' },
  { name: 'iptables', kind: 'bool', help: 'Enable addition of packet filter rules (default true)' },
  { name: 'ipv6', kind: 'bool', help: 'Enable IPv6 networking for the default bridge network' },
  { name: 'label', kind: 'list', key: 'labels', help: 'list|Set key=value labels to the daemon' },
  { name: 'live-restore', kind: 'bool', help: 'Keep containers while the daemon is away (always on)' },
  { name: 'log-driver', kind: 'string', help: 'string|Default driver for container logs (default "json-file")' },
  { name: 'log-format', kind: 'string', help: 'string|Set the logging format ("text"|"json") (default "text")' },
  { name: 'log-level', short: 'l', kind: 'string', help: 'string|Set the logging level ("debug"|"info"|"warn"|"error"|"fatal") (default "info")' },
  { name: 'log-opt', kind: 'list', flagOnly: true, help: 'list|Default log driver options for containers' },
  { name: 'log-opts', kind: 'map', fileOnly: true, help: 'Default log driver options for containers' },
  { name: 'max-concurrent-downloads', kind: 'int', help: 'int|Set the max concurrent downloads (default 3)' },
  { name: 'max-concurrent-uploads', kind: 'int', help: 'int|Set the max concurrent uploads (default 5)' },
  { name: 'max-download-attempts', kind: 'int', help: 'int|Set the max download attempts for each pull (default 5)' },
  { name: 'metrics-addr', kind: 'string', help: 'string|Set default address and port to serve the metrics api on' },
  { name: 'mtu', kind: 'int', help: 'int|Set the MTU for the default "bridge" network (default 1500)' },
  { name: 'no-new-privileges', kind: 'bool', help: 'Set no-new-privileges by default for new containers' },
  { name: 'no-proxy', kind: 'string', flagOnly: true, help: 'string|List of hosts or IP addresses for which the proxy is skipped' },
  { name: 'obey-input-rules', kind: 'bool', help: 'Let published ports obey the host\'s own rules for incoming packets (default true)' },
  { name: 'pidfile', short: 'p', kind: 'string', help: 'string|Path to use for daemon PID file (default "/run/gantry.pid")' },
  { name: 'proxies', kind: 'map', fileOnly: true, help: 'Proxies to registries: http-proxy, https-proxy and no-proxy' },
  { name: 'registry-mirror', kind: 'list', key: 'registry-mirrors', help: 'list|Preferred registry mirror' },
  { name: 'runtimes', kind: 'map', fileOnly: true, help: 'OCI runtimes by name: path and runtimeArgs' },
  { name: 'seccomp-profile', kind: 'string', help: 'string|Path to seccomp profile. Set to "unconfined" to disable the default seccomp profile (default "builtin")' },
  { name: 'selinux-enabled', kind: 'bool', help: 'Enable selinux support' },
  { name: 'shutdown-timeout', kind: 'int', help: 'int|Kept for dockerd\'s sake: containers go on when the daemon ends (default 15)' },
  { name: 'storage-driver', short: 's', kind: 'string', help: 'string|Storage driver to use' },
  { name: 'storage-opt', kind: 'list', key: 'storage-opts', help: 'list|Storage driver options' },
  { name: 'tls', kind: 'bool', help: 'Use TLS on TCP sockets; implied by --tlsverify' },
  { name: 'tlscacert', kind: 'string', help: 'string|Trust certs signed only by this CA (default "~/.docker/ca.pem")' },
  { name: 'tlscert', kind: 'string', help: 'string|Path to TLS certificate file (default "~/.docker/cert.pem")' },
  { name: 'tlskey', kind: 'string', help: 'string|Path to TLS key file (default "~/.docker/key.pem")' },
  { name: 'tlsverify', kind: 'bool', help: 'Use TLS and let in only clients whose certificate the CA has signed' },
  { name: 'userland-proxy', kind: 'bool', help: 'Use userland proxy for loopback traffic (default true)' },
  { name: 'userland-proxy-path', kind: 'string', help: 'string|Path to the userland proxy binary' },
  { name: 'userns-remap', kind: 'string', help: 'string|User/Group setting for user namespaces' },
  { name: 'validate', kind: 'bool', flagOnly: true, help: 'Validate daemon configuration and exit' },
  { name: 'version', short: 'v', kind: 'bool', flagOnly: true, help: 'Print version information and quit' },
]

/** Flags and keys that dockerd has and gantryd has not yet: they are refused by name, never ignored. */
export const missingFlags: ReadonlySet<string> = new Set([
  'allow-direct-routing', 'allow-nondistributable-artifacts', 'api-cors-header',
  'bridge-accept-fwmark', 'containerd', 'containerd-namespace', 'containerd-plugins-namespace',
  'cpu-rt-period', 'cpu-rt-runtime', 'cri-containerd', 'ip-forward-no-drop',
  'network-control-plane-mtu', 'node-generic-resource', 'oom-score-adjust', 'raw-logs', 'rootless',
  'swarm-default-advertise-addr',
])

/** daemon.json's plural or other spellings of the above. */
export const missingKeys: ReadonlyMap<string, string> = new Map([
  ['node-generic-resources', 'node-generic-resource'],
])
