import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { eventually } from './eventually.ts'
import { namespace } from './processes.ts'
import { type Finished, type RunOptions, must, run } from './run.ts'

/**
 * A host in a network namespace of its own, as small as a computer can be made: loopback, and a cable (a veth pair) to each peer.
 * The engine under test takes it for the machine's network, so bridges, firewall rules and ports never meet those of the real one,
 * and all of it is gone when the process that holds the namespace ends.
 */
export interface NetworkHost {
  readonly holder: number
  /** A command prefix that enters the namespace. */
  readonly enter: string[]
  /** The kernel's name of the namespace, "net:[…]". */
  readonly namespace: string
  run(command: string[], options?: RunOptions): Promise<Finished>
  must(command: string[], options?: RunOptions): Promise<string>
  close(): Promise<void>
}

export async function makeHost(): Promise<NetworkHost> {
  // It reads a pipe that nobody writes: it ends with this process, however that ends.
  const holder = spawn('unshare', ['--net', 'cat'], { stdio: ['pipe', 'ignore', 'inherit'] })
  const pid = await entered(holder)
  const enter = ['nsenter', `--net=/proc/${pid}/ns/net`]
  const host: NetworkHost = {
    holder: pid,
    enter,
    namespace: namespace(pid, 'net'),
    run: (command, options) => run([...enter, ...command], options),
    must: (command, options) => must([...enter, ...command], options),
    async close() {
      if (holder.exitCode !== null || holder.signalCode !== null) return
      const ended = once(holder, 'exit')
      holder.stdin?.end()
      await ended
    },
  }
  await host.must(['ip', 'link', 'set', 'lo', 'up'])
  return host
}

/** Lays a cable between two hosts; answers the address of each end. `subnet` is three octets. */
export async function connect(a: NetworkHost, b: NetworkHost, options: { subnet: string }): Promise<{ a: string; b: string }> {
  const addresses = { a: `${options.subnet}.1`, b: `${options.subnet}.2` }
  await a.must(['ip', 'link', 'add', 'eth0', 'type', 'veth', 'peer', 'name', 'eth0', 'netns', String(b.holder)])
  for (const [host, address] of [
    [a, addresses.a],
    [b, addresses.b],
  ] as const) {
    await host.must(['ip', 'address', 'add', `${address}/24`, 'dev', 'eth0'])
    await host.must(['ip', 'link', 'set', 'eth0', 'up'])
  }
  return addresses
}

async function entered(holder: ChildProcess): Promise<number> {
  const pid = holder.pid
  if (pid === undefined) throw new Error('cannot make a network namespace: unshare did not start')
  const own = namespace('self', 'net')
  await eventually(() => {
    if (holder.exitCode !== null) throw new Error('cannot make a network namespace: are we root?')
    const there = namespace(pid, 'net')
    if (there === '' || there === own) throw new Error('cannot make a network namespace: unshare is slow')
  })
  return pid
}
