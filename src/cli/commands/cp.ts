import type { CliContext, Command } from '../command.ts'
import { copyFromContainer, copyToContainer } from '../copy/copy.ts'
import { splitArgument } from '../copy/copy-path.ts'
import { ExitError } from '../exit-error.ts'
import { humanSize } from '../format/human.ts'

export const cpCommand: Command = {
  path: 'cp',
  usage: ['CONTAINER:SRC_PATH DEST_PATH|-', 'SRC_PATH|- CONTAINER:DEST_PATH'],
  summary: 'Copy files between a container and the local filesystem',
  aliases: ['container cp', 'cp'],
  flags: [
    { name: 'archive', short: 'a', kind: 'boolean', help: "Give what is copied into a container to the container's user" },
    { name: 'follow-link', short: 'L', kind: 'boolean', help: 'Follow a symbolic link in SRC_PATH' },
    { name: 'quiet', short: 'q', kind: 'boolean', help: 'Say nothing; so it is without a terminal, too' },
  ],
  args: { min: 2, max: 2 },
  async run(context, { flags, args }) {
    const source = splitArgument(args[0]!)
    const destination = splitArgument(args[1]!)
    if (args[0] === '') throw new ExitError('source can not be empty')
    if (args[1] === '') throw new ExitError('destination can not be empty')
    if (source.container !== '' && destination.container !== '') throw new ExitError('copying between containers is not supported')
    const options = { followLink: flags.boolean('follow-link'), giveToUser: flags.boolean('archive') }
    const quiet = flags.boolean('quiet', !context.stderr.isTTY)
    const tell = (bytes: number, to: string): void => void (quiet || context.stderr.write(`Successfully copied ${humanSize(bytes, 3)} to ${to}\n`))
    return run(context, { source, destination, options, tell })
  },
}

type Copy = {
  source: ReturnType<typeof splitArgument>
  destination: ReturnType<typeof splitArgument>
  options: { followLink: boolean; giveToUser: boolean }
  tell: (bytes: number, to: string) => void
}

async function run(context: CliContext, { source, destination, options, tell }: Copy): Promise<void> {
  if (source.container !== '') {
    const copied = await copyFromContainer(context, { container: source.container, source: source.path, destination: destination.path, followLink: options.followLink })
    if (copied !== undefined) tell(copied.bytes, copied.to)
  } else if (destination.container !== '') {
    const copied = await copyToContainer(context, { container: destination.container, source: source.path, destination: destination.path, ...options })
    tell(copied.bytes, `${destination.container}:${copied.to}`)
  } else {
    throw new ExitError('must specify at least one container source')
  }
}
