import type { Flag } from './grammar/flag.ts'

/** Flags that stand before the command. */
export const rootFlags: readonly Flag[] = [
  { name: 'config', kind: 'string', help: "Directory of the client's configuration (default: DOCKER_CONFIG or ~/.docker)" },
  { name: 'context', short: 'c', kind: 'string', help: 'Name of a context (only "default")' },
  { name: 'debug', short: 'D', kind: 'boolean', help: 'Show stack traces of failures' },
  { name: 'host', short: 'H', kind: 'list', help: "The engine's socket: unix:///path or tcp://host:port" },
  { name: 'log-level', short: 'l', kind: 'string', help: 'Level of messages ("debug", "info", "warn", "error", "fatal")', shownDefault: '"info"' },
  { name: 'tls', kind: 'boolean', help: 'Use TLS (not implemented yet)' },
  { name: 'tlsverify', kind: 'boolean', help: 'Use TLS and verify the engine (not implemented yet)' },
  { name: 'version', short: 'v', kind: 'boolean', help: 'Print the version' },
]
