/** What people and scripts call most. Each has a bundle of its own (scripts/bundle.ts), which is as small as it can be. */
export const frequentCommands: readonly string[] = ['ps', 'run', 'exec', 'images', 'logs', 'inspect', 'create', 'start', 'stop', 'rm', 'version', 'build']
