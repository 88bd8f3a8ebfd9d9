import { GantryError } from '../lib/errors.ts'

const first = 3

/**
 * Descriptors of the sockets that systemd has opened for this process. Source: sd_listen_fds(3).
 * @param name one of LISTEN_FDNAMES, a number, or "" or "*" for all
 * @throws InvalidParameter when there is none
 */
export function activatedSockets(name: string): number[] {
  const count = process.env['LISTEN_PID'] === String(process.pid) ? Number(process.env['LISTEN_FDS'] ?? 0) : 0
  const names = (process.env['LISTEN_FDNAMES'] ?? '').split(':')
  const all = Array.from({ length: count }, (_, index) => ({ fd: first + index, name: names[index] ?? '' }))
  if (all.length === 0) throw new GantryError('InvalidParameter', `cannot listen on fd://${name}: no sockets found via socket activation: make sure the service was started by systemd`)
  if (name === '' || name === '*') return all.map(({ fd }) => fd)
  const found = all.filter((socket) => socket.name === name || String(socket.fd) === name)
  if (found.length === 0) throw new GantryError('InvalidParameter', `cannot listen on fd://${name}: systemd has passed no socket of that name`)
  return found.map(({ fd }) => fd)
}
