import { pruneCommand, pruneContainers } from '../prune/prune.ts'

export const containerPruneCommand = pruneCommand({
  path: 'container prune',
  summary: 'Remove all stopped containers',
  warning: () => 'This will remove all stopped containers.',
  prune: () => pruneContainers,
})
