import { platformFlag } from '../grammar/common-flags.ts'
import type { Flag, FlagKind } from '../grammar/flag.ts'
import { flagChecks } from './flag-checks.ts'

const flag = (name: string, kind: FlagKind, help: string, more: Partial<Flag> = {}): Flag => ({
  name,
  kind,
  help,
  ...(flagChecks[name] && { check: flagChecks[name] }),
  ...more,
})

const identity: Flag[] = [
  flag('name', 'string', 'Name of the container'),
  flag('label', 'list', 'Set a label', { short: 'l' }),
  flag('label-file', 'list', 'Read labels from a file, one a line'),
  flag('annotation', 'list', 'Add an annotation for the runtime', { placeholder: 'map' }),
  flag('cidfile', 'string', 'Write the identifier to this file'),
  platformFlag,
  flag('pull', 'string', 'Pull the image before: "always", "missing" or "never"', { shownDefault: '"missing"' }),
  flag('quiet', 'boolean', 'Show no progress of the pull', { short: 'q' }),
  flag('disable-content-trust', 'boolean', 'Skip verification of the image', { shownDefault: 'true' }),
]

const process: Flag[] = [
  flag('interactive', 'boolean', 'Keep standard input open', { short: 'i' }),
  flag('tty', 'boolean', 'Give the container a terminal', { short: 't' }),
  flag('attach', 'list', 'Attach STDIN, STDOUT or STDERR', { short: 'a' }),
  flag('env', 'list', 'Set an environment variable', { short: 'e' }),
  flag('env-file', 'list', 'Read environment variables from a file'),
  flag('workdir', 'string', 'Working directory in the container', { short: 'w' }),
  flag('user', 'string', 'User as <name|uid>[:<group|gid>]', { short: 'u' }),
  flag('group-add', 'list', 'Join one more group'),
  flag('entrypoint', 'string', "Replace the image's ENTRYPOINT"),
  flag('init', 'boolean', 'Run an init that forwards signals and reaps processes'),
  flag('rm', 'boolean', 'Remove the container and its anonymous volumes when it exits'),
  flag('restart', 'string', 'When to start the container again after it exits', { shownDefault: '"no"' }),
  flag('stop-signal', 'string', 'Signal that stops the container'),
  flag('stop-timeout', 'int', 'Seconds before a stop becomes a kill'),
  flag('health-cmd', 'string', 'Command that checks health'),
  flag('health-interval', 'duration', 'Time between checks', { shownDefault: '0s' }),
  flag('health-retries', 'int', 'Failures in a row that mean unhealthy'),
  flag('health-start-interval', 'duration', 'Time between checks while starting', { shownDefault: '0s' }),
  flag('health-start-period', 'duration', 'Time to start before failures count', { shownDefault: '0s' }),
  flag('health-timeout', 'duration', 'Time a check may take', { shownDefault: '0s' }),
  flag('no-healthcheck', 'boolean', "Disable the image's HEALTHCHECK"),
  flag('log-driver', 'string', 'Logging driver'),
  flag('log-opt', 'list', 'Option of the logging driver'),
]

const isolation: Flag[] = [
  flag('hostname', 'string', 'Host name of the container', { short: 'h' }),
  flag('domainname', 'string', 'NIS domain name of the container'),
  flag('pid', 'string', 'PID namespace'),
  flag('ipc', 'string', 'IPC namespace'),
  flag('uts', 'string', 'UTS namespace'),
  flag('userns', 'string', 'User namespace'),
  flag('cgroupns', 'string', 'Cgroup namespace: "host" or "private"'),
  flag('cgroup-parent', 'string', 'Parent cgroup'),
  flag('isolation', 'string', 'Isolation technology'),
  flag('runtime', 'string', 'Runtime of the container'),
  flag('privileged', 'boolean', 'Give all privileges'),
  flag('cap-add', 'list', 'Add a capability'),
  flag('cap-drop', 'list', 'Drop a capability'),
  flag('security-opt', 'list', 'Security option'),
  flag('read-only', 'boolean', 'Mount the root filesystem read-only'),
  flag('sysctl', 'list', 'Set a sysctl', { placeholder: 'map', shownDefault: 'map[]' }),
  flag('device', 'list', 'Add a device of the host'),
  flag('device-cgroup-rule', 'list', 'Add a rule to the list of allowed devices'),
  flag('use-api-socket', 'boolean', "Give the container the engine's socket and the user's credentials"),
  flag('gpus', 'string', "GPUs to add ('all' for all of them)", { placeholder: 'gpu-request' }),
]

const files: Flag[] = [
  flag('volume', 'list', 'Mount a volume or a directory', { short: 'v' }),
  flag('volume-driver', 'string', 'Driver of volumes made on the way'),
  flag('volumes-from', 'list', 'Mount the volumes of another container'),
  flag('mount', 'list', 'Attach a filesystem', { placeholder: 'mount' }),
  flag('tmpfs', 'list', 'Mount a tmpfs'),
  flag('shm-size', 'bytes', 'Size of /dev/shm'),
  flag('storage-opt', 'list', 'Option of the storage driver'),
]

const network: Flag[] = [
  flag('network', 'list', 'Connect to a network', { placeholder: 'network', aliases: ['net'] }),
  flag('network-alias', 'list', 'Another name on the network', { aliases: ['net-alias'] }),
  flag('publish', 'list', 'Publish a port on the host', { short: 'p' }),
  flag('publish-all', 'boolean', 'Publish all exposed ports on random ports', { short: 'P' }),
  flag('expose', 'list', 'Expose a port or a range of ports'),
  flag('ip', 'string', 'IPv4 address (172.30.100.104)'),
  flag('ip6', 'string', 'IPv6 address (2001:db8::33)'),
  flag('link', 'list', 'Link to another container'),
  flag('link-local-ip', 'list', 'Link-local address'),
  flag('mac-address', 'string', 'MAC address (92:d0:c6:0a:29:33)'),
  flag('add-host', 'list', 'Add a line to /etc/hosts (host:ip)'),
  flag('dns', 'list', 'DNS server'),
  flag('dns-option', 'list', 'DNS option', { aliases: ['dns-opt'] }),
  flag('dns-search', 'list', 'DNS search domain'),
]

const rates = ['read-bps', 'read-iops', 'write-bps', 'write-iops'].map((rate) =>
  flag(`device-${rate}`, 'list', `Limit ${rate.startsWith('read') ? 'reads from' : 'writes to'} a device, in ${rate.endsWith('bps') ? 'bytes' : 'operations'} a second`, { shownDefault: '[]' }),
)

const resources: Flag[] = [
  flag('memory', 'bytes', 'Memory limit', { short: 'm' }),
  flag('memory-reservation', 'bytes', 'Soft memory limit'),
  flag('memory-swap', 'bytes', "Limit of memory plus swap: '-1' for unlimited swap"),
  flag('memory-swappiness', 'int', 'Swappiness (0 to 100)', { shownDefault: '-1' }),
  flag('kernel-memory', 'bytes', 'Kernel memory limit'),
  flag('oom-kill-disable', 'boolean', 'Disable the OOM killer'),
  flag('oom-score-adj', 'int', 'OOM score adjustment (-1000 to 1000)'),
  flag('cpus', 'nano', 'Number of CPUs'),
  flag('cpu-shares', 'int', 'CPU weight', { short: 'c' }),
  flag('cpu-period', 'int', 'CFS period in microseconds'),
  flag('cpu-quota', 'int', 'CFS quota in microseconds'),
  flag('cpu-rt-period', 'int', 'Real-time period in microseconds'),
  flag('cpu-rt-runtime', 'int', 'Real-time runtime in microseconds'),
  flag('cpuset-cpus', 'string', 'CPUs to run on (0-3, 0,1)'),
  flag('cpuset-mems', 'string', 'Memory nodes to use (0-3, 0,1)'),
  flag('pids-limit', 'int', 'Limit of processes (-1 for unlimited)'),
  flag('ulimit', 'list', 'Set a resource limit', { placeholder: 'ulimit', shownDefault: '[]' }),
  flag('blkio-weight', 'uint16', 'Block IO weight, 10 to 1000, or 0 for none', { shownDefault: '0' }),
  flag('blkio-weight-device', 'list', 'Block IO weight of one device', { shownDefault: '[]' }),
  ...rates,
]

/** Known to the grammar, refused for a Linux engine. */
export const windowsFlags: readonly Flag[] = [
  flag('cpu-count', 'int', 'CPU count (Windows only)', { hidden: true }),
  flag('cpu-percent', 'int', 'CPU percent (Windows only)', { hidden: true }),
  flag('io-maxbandwidth', 'bytes', 'IO bandwidth (Windows only)', { hidden: true }),
  flag('io-maxiops', 'int', 'IO operations (Windows only)', { hidden: true }),
]

/** The flags of `create`; `run` has a few more. */
export const containerFlags: readonly Flag[] = [...identity, ...process, ...isolation, ...files, ...network, ...resources, ...windowsFlags]
