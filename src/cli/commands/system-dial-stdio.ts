import { connectTo } from '../client/connect.ts'
import { unreachable } from '../client/engine-error.ts'
import type { Command } from '../command.ts'

/** What `ssh://` hosts run: the engine's socket on standard input and output, until both directions have ended. */
export const systemDialStdioCommand: Command = {
  path: 'system dial-stdio',
  usage: [''],
  summary: "Join standard input and output to the engine's socket",
  flags: [],
  args: { min: 0, max: 0 },
  async run(context) {
    const { address } = context.client
    const socket = await connectTo(address).catch((cause: Error) => {
      throw unreachable(address, cause)
    })
    context.stdin.pipe(socket)
    socket.pipe(context.stdout, { end: false })
    await new Promise<void>((resolve, reject) => {
      socket.on('error', reject)
      socket.on('end', resolve)
      socket.on('close', () => resolve())
    })
    context.stdin.unpipe(socket)
    context.stdin.destroy()
    socket.destroy()
  },
}
