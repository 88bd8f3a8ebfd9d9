import type { Command } from './command.ts'

type Entry = { summary: string; load: () => Promise<Command> }
type Group = { summary: string; commands: Record<string, Entry>; aliases?: Record<string, string> }

const one = (summary: string, load: () => Promise<Command>): Entry => ({ summary, load })

const attach = one('Attach to the streams of a running container', async () => (await import('./commands/attach.ts')).attachCommand)
const build = one('Build an image from a Dockerfile', async () => (await import('./commands/build.ts')).buildCommand)
const builderDu = one('Show what the build cache keeps', async () => (await import('./commands/builder-du.ts')).builderDuCommand)
const builderHistory = one('Look at builds that are over: ls, inspect, logs, rm', async () => (await import('./commands/builder-history.ts')).builderHistoryCommand)
const builderPrune = one('Remove build cache', async () => (await import('./commands/builder-prune.ts')).builderPruneCommand)
const commit = one("Create a new image from a container's changes", async () => (await import('./commands/commit.ts')).commitCommand)
const cp = one('Copy files between a container and the local filesystem', async () => (await import('./commands/cp.ts')).cpCommand)
const create = one('Create a new container', async () => (await import('./commands/create.ts')).createCommand)
const diff = one("List files that changed on a container's filesystem", async () => (await import('./commands/diff.ts')).diffCommand)
const events = one('Show what happens in the engine', async () => (await import('./commands/events.ts')).eventsCommand)
const exec = one('Execute a command in a running container', async () => (await import('./commands/exec.ts')).execCommand)
const exportEntry = one("Export a container's filesystem as a tar archive", async () => (await import('./commands/export.ts')).exportCommand)
const history = one('Show the history of an image', async () => (await import('./commands/history.ts')).historyCommand)
const images = one('List images', async () => (await import('./commands/images.ts')).imagesCommand)
const imports = one('Make an image from a tarball of a filesystem', async () => (await import('./commands/import.ts')).importCommand)
const info = one('Show the state of the engine and its host', async () => (await import('./commands/info.ts')).infoCommand)
const kill = one('Kill one or more running containers', async () => (await import('./commands/kill.ts')).killCommand)
const load = one('Load images from a tar archive or standard input', async () => (await import('./commands/load.ts')).loadCommand)
const login = one('Log in to a registry', async () => (await import('./commands/login.ts')).loginCommand)
const logout = one('Log out from a registry', async () => (await import('./commands/logout.ts')).logoutCommand)
const logs = one('Show the logs of a container', async () => (await import('./commands/logs.ts')).logsCommand)
const pause = one('Pause all processes within one or more containers', async () => (await import('./commands/pause.ts')).pauseCommand)
const port = one("List a container's published ports", async () => (await import('./commands/port.ts')).portCommand)
const ps = one('List containers', async () => (await import('./commands/ps.ts')).psCommand)
const pull = one('Download an image from a registry', async () => (await import('./commands/pull.ts')).pullCommand)
const push = one('Upload an image to a registry', async () => (await import('./commands/push.ts')).pushCommand)
const rename = one('Rename a container', async () => (await import('./commands/rename.ts')).renameCommand)
const restart = one('Restart one or more containers', async () => (await import('./commands/restart.ts')).restartCommand)
const rm = one('Remove one or more containers', async () => (await import('./commands/rm.ts')).rmCommand)
const rmi = one('Remove one or more images', async () => (await import('./commands/rmi.ts')).rmiCommand)
const run = one('Create and run a new container from an image', async () => (await import('./commands/run.ts')).runCommand)
const save = one('Save one or more images as a tar archive', async () => (await import('./commands/save.ts')).saveCommand)
const search = one('Search a registry for images', async () => (await import('./commands/search.ts')).searchCommand)
const start = one('Start one or more stopped containers', async () => (await import('./commands/start.ts')).startCommand)
const stats = one('Show what containers use, as it changes', async () => (await import('./commands/stats.ts')).statsCommand)
const stop = one('Stop one or more running containers', async () => (await import('./commands/stop.ts')).stopCommand)
const tag = one('Give an image another name', async () => (await import('./commands/tag.ts')).tagCommand)
const top = one("Show a container's processes", async () => (await import('./commands/top.ts')).topCommand)
const unpause = one('Unpause all processes within one or more containers', async () => (await import('./commands/unpause.ts')).unpauseCommand)
const update = one('Update the limits of one or more containers', async () => (await import('./commands/update.ts')).updateCommand)
const wait = one('Wait until one or more containers stop', async () => (await import('./commands/wait.ts')).waitCommand)

const inspectContainer = one('Show what the engine knows of containers', async () => (await import('./commands/typed-inspect.ts')).containerInspectCommand)
const inspectImage = one('Show what the engine knows of images', async () => (await import('./commands/typed-inspect.ts')).imageInspectCommand)
const inspectNetwork = one('Show what the engine knows of networks', async () => (await import('./commands/typed-inspect.ts')).networkInspectCommand)

/** Every command that needs no group. A module is loaded only when its command is called. */
export const commands: Record<string, Entry> = {
  run, exec, ps, build, pull, push, images, login, logout, search,
  version: one('Show the versions of client and engine', async () => (await import('./commands/version.ts')).versionCommand),
  info, attach, commit,
  completion: one('Print a completion script for a shell', async () => (await import('./commands/completion.ts')).completionCommand),
  cgroup: one("Show where a container's cgroup is, and every value in it", async () => (await import('./commands/cgroup.ts')).cgroupCommand),
  cp, create, diff, events,
  du: one('Explain what space a container takes', async () => (await import('./commands/du.ts')).duCommand),
  enter: one("Run a command in a container's namespaces, also while the engine does not answer", async () => (await import('./commands/enter.ts')).enterCommand),
  explain: one('Print the system calls that make a container', async () => (await import('./commands/explain.ts')).explainCommand),
  export: exportEntry,
  fs: one("Show a container's file system at a path of the host, read-only", async () => (await import('./commands/fs.ts')).fsCommand),
  history, import: imports,
  inspect: one('Show what the engine knows of an object', async () => (await import('./commands/inspect.ts')).inspectCommand),
  kill, load, logs, pause, port, rename, restart, rm, rmi, save,
  set: one("Set limits of a container's cgroup, now and at each of its starts", async () => (await import('./commands/set.ts')).setCommand),
  start, stats, stop, tag, top, unpause, update, wait,
}

/** The first of `commands` are the common ones in `--help`. */
export const commonCommands = ['run', 'exec', 'ps', 'build', 'pull', 'push', 'images', 'login', 'logout', 'search', 'version', 'info']

export const groups: Record<string, Group> = {
  builder: { summary: 'Manage builds', commands: { build, du: builderDu, history: builderHistory, prune: builderPrune } },
  buildx: { summary: 'Build with BuildKit', commands: { build, du: builderDu, history: builderHistory, prune: builderPrune } },
  checkpoint: {
    summary: 'Manage checkpoints',
    commands: {
      create: one('Create a checkpoint from a running container', async () => (await import('./commands/checkpoint-create.ts')).checkpointCreateCommand),
      ls: one('List checkpoints for a container', async () => (await import('./commands/checkpoint-ls.ts')).checkpointLsCommand),
      rm: one('Remove a checkpoint', async () => (await import('./commands/checkpoint-rm.ts')).checkpointRmCommand),
    },
    aliases: { list: 'ls', remove: 'rm' },
  },
  container: {
    summary: 'Manage containers',
    commands: {
      attach, commit, cp, create, diff, exec, export: exportEntry, inspect: inspectContainer, kill, logs, ls: ps, pause, port,
      prune: one('Remove all stopped containers', async () => (await import('./commands/container-prune.ts')).containerPruneCommand), rename, restart, rm, run, start, stats,
      stop, top, unpause, update, wait,
    },
    aliases: { list: 'ls', ps: 'ls', remove: 'rm' },
  },
  context: {
    summary: 'Manage contexts: engines by name',
    commands: {
      create: one('Create a context', async () => (await import('./commands/context-create.ts')).contextCreateCommand),
      inspect: one('Show what is known of one or more contexts', async () => (await import('./commands/context-inspect.ts')).contextInspectCommand),
      ls: one('List contexts', async () => (await import('./commands/context-ls.ts')).contextLsCommand),
      rm: one('Remove one or more contexts', async () => (await import('./commands/context-rm.ts')).contextRmCommand),
      show: one('Print the name of the context in use', async () => (await import('./commands/context-show.ts')).contextShowCommand),
      update: one('Change a context', async () => (await import('./commands/context-update.ts')).contextUpdateCommand),
      use: one('Set the context that commands use', async () => (await import('./commands/context-use.ts')).contextUseCommand),
    },
    aliases: { list: 'ls', remove: 'rm' },
  },
  image: {
    summary: 'Manage images',
    commands: {
      build, history, import: imports, inspect: inspectImage, load, ls: images,
      prune: one('Remove unused images', async () => (await import('./commands/image-prune.ts')).imagePruneCommand), pull, push, rm: rmi, save, tag,
    },
    aliases: { list: 'ls', remove: 'rm' },
  },
  network: {
    summary: 'Manage networks',
    commands: {
      connect: one('Connect a container to a network', async () => (await import('./commands/network-connect.ts')).networkConnectCommand),
      create: one('Create a network', async () => (await import('./commands/network-create.ts')).networkCreateCommand),
      disconnect: one('Disconnect a container from a network', async () => (await import('./commands/network-disconnect.ts')).networkDisconnectCommand),
      inspect: inspectNetwork,
      ls: one('List networks', async () => (await import('./commands/network-ls.ts')).networkLsCommand),
      prune: one('Remove networks that no container uses', async () => (await import('./commands/network-prune.ts')).networkPruneCommand),
      rm: one('Remove one or more networks', async () => (await import('./commands/network-rm.ts')).networkRmCommand),
    },
    aliases: { list: 'ls', remove: 'rm' },
  },
  net: {
    summary: 'Show how packets travel',
    commands: {
      explain: one('Print the way of a packet into a container and out of it', async () => (await import('./commands/net-explain.ts')).netExplainCommand),
      trace: one('Show which interfaces and rules count', async () => (await import('./commands/net-trace.ts')).netTraceCommand),
    },
  },
  storage: {
    summary: 'Manage storage drivers',
    commands: { switch: one('Move images and stopped containers to another storage driver', async () => (await import('./commands/storage-switch.ts')).storageSwitchCommand) },
  },
  system: {
    summary: 'Manage the engine',
    commands: { 'dial-stdio': one("Join standard input and output to the engine's socket", async () => (await import('./commands/system-dial-stdio.ts')).systemDialStdioCommand), check: one('Verify everything that is stored', async () => (await import('./commands/system-check.ts')).systemCheckCommand), df: one('Show how much disk is used', async () => (await import('./commands/system-df.ts')).systemDfCommand), events, info, prune: one('Remove what is not used', async () => (await import('./commands/system-prune.ts')).systemPruneCommand) },
  },
  volume: {
    summary: 'Manage volumes',
    commands: {
      create: one('Create a volume', async () => (await import('./commands/volume-create.ts')).volumeCreateCommand),
      inspect: one('Show what the engine knows of volumes', async () => (await import('./commands/volume-inspect.ts')).volumeInspectCommand),
      ls: one('List volumes', async () => (await import('./commands/volume-ls.ts')).volumeLsCommand),
      prune: one('Remove volumes that no container uses', async () => (await import('./commands/volume-prune.ts')).volumePruneCommand),
      rm: one('Remove one or more volumes', async () => (await import('./commands/volume-rm.ts')).volumeRmCommand),
    },
    aliases: { list: 'ls', remove: 'rm' },
  },
}
