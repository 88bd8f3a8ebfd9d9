import type { Command } from '../command.ts'
import { ExitError } from '../exit-error.ts'

export const cpCommand: Command = {
  path: 'cp',
  usage: ['CONTAINER:SRC_PATH DEST_PATH|-', 'SRC_PATH|- CONTAINER:DEST_PATH'],
  summary: 'Copy files between a container and the local filesystem (not implemented yet)',
  aliases: ['container cp', 'cp'],
  flags: [
    { name: 'archive', short: 'a', kind: 'boolean', help: 'Keep user and group ids' },
    { name: 'follow-link', short: 'L', kind: 'boolean', help: 'Follow a symbolic link in SRC_PATH' },
    { name: 'quiet', short: 'q', kind: 'boolean', help: 'Show no progress' },
  ],
  args: { min: 2, max: 2 },
  run() {
    return Promise.reject(new ExitError('not implemented yet: cp'))
  },
}
