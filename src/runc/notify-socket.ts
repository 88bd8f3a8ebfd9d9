import { chmodSync, closeSync, existsSync, mkdirSync, openSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { AF_UNIX, MSG_DONTWAIT, SOCK_CLOEXEC, SOCK_DGRAM } from '../kernel/constants/sockets.ts'
import { KernelError } from '../kernel/failure.ts'
import { linuxKernel } from '../kernel/linux.ts'
import { nr } from '../kernel/syscalls.ts'
import { socketAddress } from './detached-side.ts'
import type { OciSpec } from './spec.ts'

const MSG_NOSIGNAL = 0x4000
/** Where the container has it, as from runc. */
const inside = '/run/notify'
const pollInterval = 50

/** A message of a service to its manager (man 3 sd_notify), which listens on a socket that a container cannot reach. */
export interface NotifyProxy {
  /** Passes "READY=1" on, once it comes; with `pid`, also which process is meant. Ends then, or when `over` says so. */
  pass(over: () => boolean, pid?: number): Promise<void>
}

/** A container of a caller with NOTIFY_SOCKET gets a socket of its own in its place. */
export function withNotifySocket(spec: OciSpec, directory: string): OciSpec {
  if (!process.env['NOTIFY_SOCKET'] || spec.process === undefined) return spec
  const place = join(directory, 'notify')
  mkdirSync(place, { mode: 0o755 })
  const mount = { destination: inside, type: 'bind', source: place, options: ['bind', 'nosuid', 'noexec', 'nodev', 'ro'] }
  const env = [...(spec.process.env ?? []), `NOTIFY_SOCKET=${inside}/notify.sock`]
  return { ...spec, process: { ...spec.process, env }, mounts: [...(spec.mounts ?? []), mount] }
}

/** Listens for a container that was created so. To be called before it is started. @returns undefined when there is nothing to pass on */
export function listenForNotify(directory: string): NotifyProxy | undefined {
  const manager = process.env['NOTIFY_SOCKET']
  const place = join(directory, 'notify')
  if (!manager || !existsSync(place)) return undefined
  const socket = bindAt(place)
  const pass = async (over: () => boolean, pid?: number): Promise<void> => {
    while (!over()) {
      const ready = receive(socket)?.split('\n').find((line) => line.startsWith('READY='))
      if (ready !== undefined) {
        send(manager, `${ready}\n`)
        if (pid !== undefined) send(manager, `MAINPID=${pid}\n`)
        return
      }
      await new Promise((resolve) => setTimeout(resolve, pollInterval))
    }
  }
  return { pass }
}

/** Through a descriptor of the directory, as a socket's address has little room. Users of the container may write to it. */
function bindAt(place: string): number {
  const file = join(place, 'notify.sock')
  rmSync(file, { force: true })
  const socket = datagramSocket()
  const directory = openSync(place, 'r')
  const address = socketAddress(`/proc/self/fd/${directory}/notify.sock`)
  const result = linuxKernel.syscall(nr('bind'), socket, address, address.length)
  closeSync(directory)
  if (result < 0) throw new KernelError(`cannot listen on ${file}`, -result)
  chmodSync(file, 0o777)
  return socket
}

function receive(socket: number): string | undefined {
  const bytes = Buffer.alloc(4096)
  const size = linuxKernel.syscall(nr('recvfrom'), socket, bytes, bytes.length, MSG_DONTWAIT, null, null)
  return size < 0 ? undefined : bytes.toString('latin1', 0, size)
}

/** A manager that has gone away misses nothing. */
function send(manager: string, text: string): void {
  const socket = datagramSocket()
  const bytes = Buffer.from(text)
  const abstract = manager.startsWith('@')
  const address = socketAddress(abstract ? `\0${manager.slice(1)}` : manager)
  linuxKernel.syscall(nr('sendto'), socket, bytes, bytes.length, MSG_NOSIGNAL, address, abstract ? address.length - 1 : address.length)
  closeSync(socket)
}

function datagramSocket(): number {
  const socket = linuxKernel.syscall(nr('socket'), AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0)
  if (socket < 0) throw new KernelError('cannot make a socket', -socket)
  return socket
}
