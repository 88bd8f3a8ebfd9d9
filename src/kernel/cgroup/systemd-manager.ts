import { spawn, type ChildProcess } from 'node:child_process'
import { existsSync } from 'node:fs'
import { GantryError } from '../../lib/errors.ts'
import { DbusConnection, DbusError, type DbusCall } from '../dbus/connection.ts'
import type { DbusValue } from '../dbus/value.ts'
import { scopeProperties, type SystemdUnit, type UnitProperty } from './systemd-unit.ts'

const manager = { destination: 'org.freedesktop.systemd1', path: '/org/freedesktop/systemd1', interface: 'org.freedesktop.systemd1.Manager' }
const privateSocket = '/run/systemd/private'
const systemBus = '/run/dbus/system_bus_socket'
const jobTimeout = 30_000

/** A scope that exists, and is kept by a process of ours until another one is in it. */
export interface OpenScope {
  unit: SystemdUnit
  /** Lets go: the scope then lives as long as somebody else is in it. */
  release(): void
}

/**
 * systemd as the manager of cgroups: it makes the cgroup as a transient scope, and knows whose it is. A container's program can
 * then use that cgroup as it uses any other.
 */
export class SystemdManager {
  readonly #connection: DbusConnection

  private constructor(connection: DbusConnection) {
    this.#connection = connection
  }

  /** @throws GantryError Unavailable where there is no systemd */
  static async open(socket?: { path: string; bus: boolean }): Promise<SystemdManager> {
    const root = process.geteuid?.() === 0
    const runtime = process.env['XDG_RUNTIME_DIR'] ?? `/run/user/${process.geteuid?.() ?? 0}`
    const candidates = socket ? [socket] : root ? [{ path: privateSocket, bus: false }, { path: systemBus, bus: true }] : [{ path: `${runtime}/systemd/private`, bus: false }, { path: `${runtime}/bus`, bus: true }]
    const found = candidates.find(({ path }) => existsSync(path))
    if (found === undefined) throw new GantryError('Unavailable', `cannot manage cgroups with systemd: there is no ${candidates.map(({ path }) => path).join(' and no ')}`)
    const opened = new SystemdManager(await DbusConnection.open(found.path, found))
    await opened.#call('Subscribe')
    return opened
  }

  /** Starts a scope with the limits. @throws GantryError System when systemd refuses */
  async startScope(unit: SystemdUnit, description: string, limits: readonly UnitProperty[]): Promise<OpenScope> {
    const holder = await hold()
    const properties = scopeProperties(unit, description, [holder.pid!], limits)
    try {
      await this.#job(unit.unit, 'StartTransientUnit', 'ssa(sv)a(sa(sv))', [unit.unit, 'replace', properties.map(([name, value]): DbusValue => [name, value]), []])
    } catch (error) {
      holder.stdin?.end()
      throw error
    }
    return { unit, release: () => holder.stdin?.end() }
  }

  /** Changes limits of a unit until it stops. */
  async setLimits({ unit }: SystemdUnit, limits: readonly UnitProperty[]): Promise<void> {
    if (limits.length > 0) await this.#call('SetUnitProperties', 'sba(sv)', [unit, true, limits.map(([name, value]): DbusValue => [name, value])])
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
    const call: DbusCall = { ...manager, member, signature, body }
    return this.#connection.call(call)
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

/** A scope needs a process from the beginning: one that waits for the end of its input, which comes with our own at the latest. */
async function hold(): Promise<ChildProcess> {
  const child = spawn('cat', { stdio: ['pipe', 'ignore', 'ignore'] })
  await new Promise<void>((resolve, reject) => {
    child.once('spawn', resolve)
    child.once('error', reject)
  })
  return child
}

async function ignoringAbsence(work: Promise<unknown>): Promise<void> {
  try {
    await work
  } catch (error) {
    if (!(error instanceof DbusError) || error.errorName !== 'org.freedesktop.systemd1.NoSuchUnit') throw error
  }
}
