import { spawn } from 'node:child_process'
import type { Socket } from 'node:net'
import type { SshTarget } from './host.ts'

/** What the other host runs: whichever client it has. Docker's own name for the command is "system dial-stdio". */
function remoteCommand({ path }: SshTarget): string {
  const host = path === undefined ? '' : ` --host ${quoted(`unix://${path}`)}`
  return `sh -c ${quoted(`if command -v gantry >/dev/null 2>&1; then exec gantry${host} system dial-stdio; fi; exec docker${host} system dial-stdio`)}`
}

/** A connection to the engine's socket on another host, over ssh(1) with the user's own settings. */
export function connectBySsh(target: SshTarget): Socket {
  const args = [
    ...(target.user === undefined ? [] : ['-l', target.user]),
    ...(target.port === undefined ? [] : ['-p', String(target.port)]),
    '-o', 'ConnectTimeout=30', '-T', '--', target.host, remoteCommand(target),
  ]
  // One socket both ways, so that each direction can be closed by itself as on a socket of the engine's.
  const child = spawn('sh', ['-c', 'exec ssh "$@" <&3 >&3 3>&-', 'sh', ...args], { stdio: ['ignore', 'ignore', 'inherit', 'pipe'] })
  const socket = child.stdio[3] as Socket
  socket.allowHalfOpen = true
  child.on('error', (error) => socket.destroy(error))
  return socket
}

function quoted(text: string): string {
  return `'${text.replaceAll("'", String.raw`'\''`)}'`
}
