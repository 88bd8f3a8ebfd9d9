/** What engines call for every container. Each has a bundle of its own (scripts/bundle.ts), which is as small as it can be. */
export const frequentCommands: readonly string[] = ['create', 'start', 'run', 'exec', 'kill', 'delete', 'state']
