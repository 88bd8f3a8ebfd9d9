import { once } from 'node:events'
import net from 'node:net'
import { createInterface } from 'node:readline'

/** The machine protocol of qemu (docs/interop/qmp-spec): commands with answers; events are not looked at. */
export interface Qmp {
  execute(command: string, args?: object): Promise<Record<string, unknown>>
  close(): void
}

/** @throws Error when the socket refuses */
export async function connectQmp(path: string): Promise<Qmp> {
  const socket = net.connect(path)
  await once(socket, 'connect')
  const waiting: PromiseWithResolvers<Record<string, unknown>>[] = []
  const lines = createInterface(socket).on('line', (line) => {
    const message = JSON.parse(line)
    if (message.return !== undefined) waiting.shift()?.resolve(message.return)
    if (message.error !== undefined) waiting.shift()?.reject(new Error(message.error.desc))
  })
  lines.on('error', () => {})
  const ended = () => waiting.splice(0).forEach(({ reject }) => reject(new Error('qemu closed its control socket')))
  socket.on('error', ended).on('close', ended)
  const qmp: Qmp = {
    execute(command, args = {}) {
      const answer = Promise.withResolvers<Record<string, unknown>>()
      waiting.push(answer)
      socket.write(`${JSON.stringify({ execute: command, arguments: args })}\n`)
      return answer.promise
    },
    close: () => void socket.destroy(),
  }
  await qmp.execute('qmp_capabilities')
  return qmp
}
