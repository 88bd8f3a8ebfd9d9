import { GantryError } from '../../lib/errors.ts'
import { DbusConnection, DbusError } from '../dbus/connection.ts'
import type { DbusValue } from '../dbus/value.ts'
import { hostUser } from '../host-user.ts'
import { holdScope } from './scope-holder.ts'
import { scopeProperties, type ScopeWishes, type UnitProperty } from './systemd-properties.ts'
import { findManager, type ManagerSocket } from './systemd-socket.ts'
import type { SystemdUnit } from './systemd-unit.ts'

const service = 'org.freedesktop.systemd1'
const object = '/org/freedesktop/systemd1'
const manager = { destination: service, path: object, interface: `${service}.Manager` }
const jobTimeout = 30_000

/** A scope that exists, and is kept by a process of ours until another one is in it. */
export interface OpenScope {
  /** Lets go: the scope then lives as long as somebody else is in it. Comes back when nothing of ours is left in it. */
  release(): Promise<void>
}

/**
 * systemd as the manager of cgroups (man 5 org.freedesktop.systemd1): it makes the cgroup as a transient scope, and knows whose it
 * is. A container's program can then use that cgroup as it uses any other.
 */
export class SystemdManager {
  readonly #connection: DbusConnection
  /** Cgroup of the manager itself, below which its units are; "" for that of the system. */
  readonly controlGroup: string
  readonly version: number

  private constructor(connection: DbusConnection, { controlGroup, version }: { controlGroup: string; version: number }) {
    this.#connection = connection
    this.controlGroup = controlGroup
    this.version = version
  }

  /** @throws GantryError Unavailable where there is no systemd */
  static async open(socket: ManagerSocket = findManager()): Promise<SystemdManager> {
    const connection = await DbusConnection.open(socket.path, { ...socket, user: hostUser() })
    try {
      const [, controlGroup, version] = await Promise.all([connection.call({ ...manager, member: 'Subscribe' }), read(connection, 'ControlGroup'), read(connection, 'Version')])
      return new SystemdManager(connection, { controlGroup: controlGroup.replace(/\/$/, ''), version: Number(/\d+/.exec(version)?.[0] ?? 0) })
    } catch (error) {
      connection.close()
      throw error
    }
  }

  /** Starts a scope with the limits. @throws GantryError System when systemd refuses */
  async startScope(unit: SystemdUnit, description: string, wishes: ScopeWishes): Promise<OpenScope> {
    const holder = await holdScope()
    try {
      const properties = asRows(scopeProperties(unit, description, [holder.pid], wishes))
      const start = (): Promise<void> => this.#job(unit.unit, 'StartTransientUnit', 'ssa(sv)a(sa(sv))', [unit.unit, 'replace', properties, []])
      await start().catch(async (error: unknown) => {
        // One that failed and that nobody has looked at stays in the way.
        if (!isNamed(error, 'UnitExists')) throw error
        await this.#call('ResetFailedUnit', 's', [unit.unit]).catch(() => {})
        await start()
      })
      return holder
    } catch (error) {
      await holder.release()
      throw error
    }
  }

  /** Takes a running process into a scope of its own, which ends with it. */
  async adopt(unit: string, pid: number): Promise<void> {
    const rows = asRows([['PIDs', { signature: 'au', value: [pid] }], ['CollectMode', { signature: 's', value: 'inactive-or-failed' }]])
    await this.#job(unit, 'StartTransientUnit', 'ssa(sv)a(sa(sv))', [unit, 'replace', rows, []])
  }

  /** Changes limits of a unit until it stops; systemd has written them when this comes back. */
  async setLimits({ unit }: SystemdUnit, limits: readonly UnitProperty[]): Promise<void> {
    if (limits.length === 0) return
    await this.#call('SetUnitProperties', 'sba(sv)', [unit, true, asRows(limits)])
    // It answers first and writes then, but before it looks at what is asked next.
    await this.#connection.call({ destination: service, path: object, interface: 'org.freedesktop.DBus.Peer', member: 'Ping' })
  }

  /** Stops a unit and forgets its failure. Fine when there is none. */
  async stop({ unit }: SystemdUnit): Promise<void> {
    await ignoringAbsence(this.#job(unit, 'StopUnit', 'ss', [unit, 'replace']))
    await ignoringAbsence(this.#call('ResetFailedUnit', 's', [unit]))
  }

  close(): void {
    this.#connection.close()
  }

  #call(member: string, signature = '', body: readonly DbusValue[] = []): Promise<readonly DbusValue[]> {
    return this.#connection.call({ ...manager, member, signature, body })
  }

  /** Methods that give a job are done when it is removed, which may be told before they come back. */
  async #job(unit: string, member: string, signature: string, body: readonly DbusValue[]): Promise<void> {
    const results = new Map<DbusValue, DbusValue>()
    const { promise, resolve } = Promise.withResolvers<void>()
    let wanted: DbusValue | undefined
    const look = (): void => {
      if (wanted !== undefined && results.has(wanted)) resolve()
    }
    const end = this.#connection.onSignal(({ member: signal, body: told = [] }) => {
      if (signal !== 'JobRemoved') return
      results.set(told[1]!, told[3]!)
      look()
    })
    const timer = setTimeout(resolve, jobTimeout)
    try {
      const [job = ''] = await this.#call(member, signature, body)
      wanted = job
      look()
      await promise
      const result = results.get(job)
      if (result !== 'done') throw new GantryError('System', `cannot ${member === 'StopUnit' ? 'stop' : 'start'} unit ${unit}: ${result === undefined ? 'systemd did not finish in time' : `its job ended with ${JSON.stringify(result)}`}`)
    } finally {
      clearTimeout(timer)
      end()
    }
  }
}

/** A property of the manager that is a text. */
async function read(connection: DbusConnection, name: string): Promise<string> {
  const [value] = await connection.call({ destination: service, path: object, interface: 'org.freedesktop.DBus.Properties', member: 'Get', signature: 'ss', body: [manager.interface, name] })
  return (value as { value: string }).value
}

function asRows(properties: readonly UnitProperty[]): DbusValue[] {
  return properties.map(([name, value]): DbusValue => [name, value])
}

function isNamed(error: unknown, name: string): boolean {
  return error instanceof DbusError && error.errorName === `${service}.${name}`
}

async function ignoringAbsence(work: Promise<unknown>): Promise<void> {
  try {
    await work
  } catch (error) {
    if (!isNamed(error, 'NoSuchUnit')) throw error
  }
}
