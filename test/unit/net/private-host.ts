import { execFileSync, spawn } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { linuxKernel } from '../../../src/kernel/linux.ts'
import { nr } from '../../../src/kernel/syscalls.ts'

const CLONE_NEWNET = 0x40000000
const peer = path.join(import.meta.dirname, 'peer.ts')

/**
 * A host of our own: this process moves into a new network namespace, so that a test may do what it likes to bridges and
 * firewall rules and leaves nothing behind. "Outside" is another namespace, on a wire: 10.77.0.1 here, 10.77.0.2 there.
 */
export class PrivateHost {
  readonly folder = mkdtempSync(path.join(tmpdir(), 'gantry-net-'))
  readonly #processes = new Set<ChildProcess>()
  outside = 0

  static async enter(): Promise<PrivateHost> {
    const entered = linuxKernel.syscall(nr('unshare'), CLONE_NEWNET)
    if (entered < 0) throw new Error(`cannot make a network namespace: errno ${-entered}`)
    const host = new PrivateHost()
    host.outside = await host.namespace()
    host.run('ip link set lo up')
    host.run(`ip link add out0 type veth peer name out1 netns ${host.outside}`)
    host.run('ip addr add 10.77.0.1/24 dev out0')
    host.run('ip link set out0 up')
    host.run('ip addr add 10.77.0.2/24 dev out1', host.outside)
    host.run('ip link set out1 up', host.outside)
    return host
  }

  /** Output of a command here, or in the network namespace of a process. */
  run(command: string, pid?: number): string {
    const argv = pid === undefined ? ['sh', '-c', command] : ['nsenter', '-t', String(pid), '-n', 'sh', '-c', command]
    return execFileSync(argv[0] ?? '', argv.slice(1), { encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'] })
  }

  /** A process in a new network namespace, as a container's PID 1 would be. With `ports` it answers there. */
  async namespace(...ports: number[]): Promise<number> {
    const program = ports.length === 0 ? ['sh', '-c', 'echo ready; exec sleep 600'] : [process.execPath, peer, 'serve', ...ports.map(String)]
    const child = this.#spawn(['unshare', '-n', ...program])
    await firstLine(child)
    return child.pid ?? 0
  }

  async serve(pid: number, ...ports: number[]): Promise<void> {
    await firstLine(this.#spawn(['nsenter', '-t', String(pid), '-n', process.execPath, peer, 'serve', ...ports.map(String)]))
  }

  /** What `peer ask` prints, asked from here or from the namespace of `from`. */
  async ask(protocol: 'tcp' | 'udp', address: string, port: number, from?: number): Promise<string> {
    const argv = [process.execPath, peer, 'ask', protocol, address, String(port), 'hello']
    const child = this.#spawn(from === undefined ? argv : ['nsenter', '-t', String(from), '-n', ...argv])
    return firstLine(child)
  }

  /** An engine in a process of its own, with a published port of the namespace of `container`. */
  async engine(container: number): Promise<{ pid: number; id: string }> {
    const child = this.#spawn([process.execPath, path.join(import.meta.dirname, 'short-lived-engine.ts'), this.folder, String(container)])
    return { id: await firstLine(child), pid: child.pid ?? 0 }
  }

  async stop(pid: number): Promise<void> {
    const child = [...this.#processes].find((one) => one.pid === pid)
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return
    const gone = once(child, 'exit')
    child.kill('SIGKILL')
    await gone
  }

  async leave(): Promise<void> {
    for (const { pid } of this.#processes) if (pid !== undefined) await this.stop(pid)
    rmSync(this.folder, { recursive: true, force: true })
  }

  #spawn([program = '', ...args]: string[]): ChildProcess {
    const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'inherit'] })
    this.#processes.add(child)
    return child
  }
}

async function firstLine(child: ChildProcess): Promise<string> {
  let text = ''
  for await (const chunk of child.stdout ?? []) {
    text += String(chunk)
    if (text.includes('\n')) return text.split('\n')[0] ?? ''
  }
  throw new Error('the process said nothing')
}
