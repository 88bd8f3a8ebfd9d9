import { pruneCommand, pruneImages } from '../prune/prune.ts'

export const imagePruneCommand = pruneCommand({
  path: 'image prune',
  summary: 'Remove unused images',
  flags: [{ name: 'all', short: 'a', kind: 'boolean', help: 'Remove every image that no container uses, not only dangling ones' }],
  warning: (all) => (all ? 'This will remove all images without at least one container associated to them.' : 'This will remove all dangling images.'),
  prune: pruneImages,
})
