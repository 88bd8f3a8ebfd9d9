import { closeSync, statSync, writeSync } from 'node:fs'
import { createServer } from 'node:net'
import type { Server, Socket } from 'node:net'
import { createInterface } from 'node:readline'
import type { Kernel } from '../../kernel/kernel.ts'
import { HomeNamespace } from '../../kernel/netlink/namespace.ts'
import { listenForControl } from '../../lib/control-socket.ts'
import { ContainerResolver } from './container-resolver.ts'
import type { ResolverParts } from './container-resolver.ts'
import type { ResolverCommand, ResolverReply, ServedContainer } from './control-protocol.ts'
import { hostSockets } from './exchange.ts'
import { Forwarder } from './forwarder.ts'
import { HostServers } from './host-servers.ts'
import { InnerSockets } from './inner-sockets.ts'
import { NamesTable } from './names-table.ts'

/** Milliseconds that a new process waits for its first command, and between two looks for containers that have ended. */
const times = { patience: 10_000, look: 1000 }

export interface ResolverOptions {
  kernel: Kernel
  socketPath: string
  /** The folder of NetworkNames. */
  names: string
}

/** The resolvers of all containers of an engine. It ends when there is none, and nobody to ask for one. */
export class Resolver {
  readonly #kernel: Kernel
  readonly #home: HomeNamespace
  readonly #parts: ResolverParts
  readonly #served = new Map<string, ContainerResolver>()
  readonly #controllers = new Set<Socket>()
  readonly #server: Server
  #retired = false

  constructor({ kernel, names }: Pick<ResolverOptions, 'kernel' | 'names'>) {
    this.#kernel = kernel
    this.#home = new HomeNamespace(kernel)
    this.#parts = { names: new NamesTable(names), hostServers: new HostServers(), forwarder: new Forwarder({ sockets: hostSockets }) }
    this.#server = createServer((controller) => this.#listenTo(controller))
  }

  async run(socketPath: string): Promise<void> {
    await listenForControl(this.#server, socketPath, 'resolver')
    setTimeout(() => this.#leaveWhenIdle(), times.patience).unref()
    setInterval(() => this.#dropEnded(), times.look).unref()
  }

  #obey(command: ResolverCommand): ResolverReply {
    const { id } = command
    switch (command.op) {
      case 'serve':
        this.#retired = false
        try {
          this.#serve(command.container)
          return { id }
        } catch (error) {
          return { id, failure: error instanceof Error ? error.message : String(error) }
        }
      case 'drop':
        for (const container of command.containers) this.#drop(container)
        return { id }
      case 'list':
        return { id, containers: [...this.#served.keys()] }
      case 'retire':
        this.#retired = true
        return { id }
      default:
        return { id, failure: 'no such command' }
    }
  }

  #serve(settings: ServedContainer): void {
    const served = this.#served.get(settings.container)
    if (served?.settings.namespace === settings.namespace) {
      served.settings = settings
      return
    }
    this.#drop(settings.container)
    const inside = new InnerSockets({ kernel: this.#kernel, home: this.#home }, settings)
    try {
      this.#served.set(settings.container, new ContainerResolver(settings, inside, this.#parts))
    } catch (error) {
      inside.close()
      throw error
    }
  }

  #drop(container: string): void {
    this.#served.get(container)?.close()
    this.#served.delete(container)
  }

  /** The engine tells when a container ends. Without one nobody does, and our sockets would keep its namespace. */
  #dropEnded(): void {
    if (this.#controllers.size > 0) return
    const ended = [...this.#served.values()].filter(({ settings }) => namespaceOf(settings.pid) !== settings.namespace)
    for (const { settings } of ended) this.#drop(settings.container)
    if (ended.length > 0) this.#leaveWhenIdle()
  }

  #leaveWhenIdle(): void {
    if (this.#served.size > 0 || (this.#controllers.size > 0 && !this.#retired)) return
    this.#server.close()
    process.exit(0)
  }

  #listenTo(controller: Socket): void {
    this.#controllers.add(controller)
    createInterface({ input: controller }).on('error', () => {}).on('line', (line) => {
      try {
        controller.write(`${JSON.stringify(this.#obey(JSON.parse(line) as ResolverCommand))}\n`, () => {
          if (this.#retired) this.#leaveWhenIdle()
        })
      } catch {
        controller.destroy()
      }
    })
    controller.on('error', () => {})
    controller.on('close', () => {
      this.#controllers.delete(controller)
      this.#leaveWhenIdle()
    })
  }
}

/** Descriptor 3 gets "0\n" when it listens, "1\n" and the reason when it cannot. */
export async function runResolver({ kernel, socketPath, names }: ResolverOptions): Promise<void> {
  try {
    await new Resolver({ kernel, names }).run(socketPath)
    report('0\n')
  } catch (error) {
    report(`1\n${error instanceof Error ? error.message : String(error)}`)
    process.exitCode = 1
  }
}

function report(text: string): void {
  writeSync(3, text)
  closeSync(3)
}

function namespaceOf(pid: number): number | undefined {
  try {
    return statSync(`/proc/${pid}/ns/net`).ino
  } catch {
    return undefined
  }
}
