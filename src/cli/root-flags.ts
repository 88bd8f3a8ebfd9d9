import type { Flag } from './grammar/flag.ts'

/** Flags that stand before the command. */
export const rootFlags: readonly Flag[] = [
  { name: 'config', kind: 'string', help: "Directory of the client's configuration (default: DOCKER_CONFIG or ~/.docker)" },
  { name: 'context', short: 'c', kind: 'string', help: 'Name of the context to use (overrides DOCKER_HOST and the one set with "context use")' },
  { name: 'debug', short: 'D', kind: 'boolean', help: 'Show stack traces of failures' },
  { name: 'host', short: 'H', kind: 'list', help: "The engine's socket: unix:///path, tcp://host:port or ssh://user@host" },
  { name: 'log-level', short: 'l', kind: 'string', help: 'Level of messages ("debug", "info", "warn", "error", "fatal")', shownDefault: '"info"' },
  { name: 'tls', kind: 'boolean', help: 'Use TLS; implied by --tlsverify' },
  { name: 'tlscacert', kind: 'string', help: 'Trust certs signed only by this CA', shownDefault: '"~/.docker/ca.pem"' },
  { name: 'tlscert', kind: 'string', help: 'Path to TLS certificate file', shownDefault: '"~/.docker/cert.pem"' },
  { name: 'tlskey', kind: 'string', help: 'Path to TLS key file', shownDefault: '"~/.docker/key.pem"' },
  { name: 'tlsverify', kind: 'boolean', help: 'Use TLS and verify the engine' },
  { name: 'version', short: 'v', kind: 'boolean', help: 'Print the version' },
]
