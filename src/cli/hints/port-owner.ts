import { readdirSync, readFileSync, readlinkSync } from 'node:fs'
import type { EngineClient } from '../client/engine-client.ts'
import { programName } from '../program.ts'

type Summary = { Id: string; Names: string[]; Ports?: { PublicPort?: number }[] }

/** Who has the port that could not be had: a container, or, on this host, a process. */
export async function portHint(message: string, client: EngineClient): Promise<string | undefined> {
  const port = Number(/(?:for|bind|address|tcp|udp|listen)\D*[\d.:[\]a-f]*:(\d+)\D/i.exec(message)?.[1] ?? 0)
  if (port === 0) return undefined
  const running = await client.json<Summary[]>('GET', '/containers/json')
  const owner = running.find(({ Ports = [] }) => Ports.some(({ PublicPort }) => PublicPort === port))
  if (owner !== undefined) {
    const name = owner.Names[0]?.replace(/^\//, '') ?? owner.Id.slice(0, 12)
    return `Port ${port} is published by container ${name}. Try another port, or '${programName} stop ${name}'.`
  }
  const process = 'socketPath' in client.address ? listenerOf(port) : undefined
  return process && `Port ${port} is taken by ${process.name} (pid ${process.pid}) on this host. Try another port.`
}

/** The process that listens on a port, as far as this user may look. */
export function listenerOf(port: number): { pid: number; name: string } | undefined {
  const sockets = new Set(['tcp', 'tcp6', 'udp', 'udp6'].flatMap((table) => inodesOf(`/proc/net/${table}`, port)).map((inode) => `socket:[${inode}]`))
  if (sockets.size === 0) return undefined
  for (const pid of readdirSync('/proc').filter((name) => /^\d+$/.test(name))) {
    if (holds(pid, sockets)) return { pid: Number(pid), name: readFileSync(`/proc/${pid}/comm`, 'utf8').trim() }
  }
  return undefined
}

/** proc_net_tcp(5): the local address in hexadecimal, the state (0A listens, 07 is UDP's), the inode in the tenth place. */
function inodesOf(table: string, port: number): string[] {
  const suffix = `:${port.toString(16).toUpperCase().padStart(4, '0')}`
  return readText(table).split('\n').slice(1).flatMap((line) => {
    const fields = line.trim().split(/\s+/)
    return fields[1]?.endsWith(suffix) && ['0A', '07'].includes(fields[3] ?? '') && fields[9] !== undefined ? [fields[9]] : []
  })
}

function holds(pid: string, sockets: ReadonlySet<string>): boolean {
  try {
    return readdirSync(`/proc/${pid}/fd`).some((descriptor) => sockets.has(linkOf(`/proc/${pid}/fd/${descriptor}`)))
  } catch {
    return false // another user's, or gone
  }
}

function linkOf(path: string): string {
  try {
    return readlinkSync(path)
  } catch {
    return ''
  }
}

function readText(path: string): string {
  try {
    return readFileSync(path, 'latin1')
  } catch {
    return '' // a kernel without IPv6
  }
}
