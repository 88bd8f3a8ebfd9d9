import { existsSync, mkdirSync, readdirSync, renameSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import type { Snapshotter } from '../containerd/snapshots/contract.ts'
import { half } from '../containerd/snapshots/tree/names.ts'
import { readStorageRecord } from '../engine/storage/storage-record.ts'
import { linuxKernel } from '../kernel/linux.ts'
import { GantryError } from '../lib/errors.ts'
import { checkStorageDriver, snapshotDrivers } from './builtins.ts'
import type { Log } from './log.ts'

export interface StorageConfig {
  /** undefined: chosen by what is there. */
  driver: string | undefined
  /** `--storage-opt`, for the driver in use. */
  options: string[]
}

export interface OpenedStorage {
  snapshotter: Snapshotter
  /** Opens another driver on the same data root, with its defaults. */
  openDriver(name: string): Promise<Snapshotter>
  /** Drivers that were switched from, when the one in use is where things went. */
  movedFrom: string[]
}

/** Opens the driver that was asked for, or the best of those that this host can run and that has content already. */
export async function openStorage(dataRoot: string, config: StorageConfig, log: Log): Promise<OpenedStorage> {
  mkdirSync(join(dataRoot, 'image'), { recursive: true, mode: 0o700 })
  moveOldDatabase(join(dataRoot, 'image'))
  const record = readStorageRecord(join(dataRoot, 'storage.json'))
  const open = async (name: string, options: readonly string[]): Promise<Snapshotter> => {
    checkStorageDriver(name)
    const driver = snapshotDrivers.find((each) => each.name === name)!
    const place = { kernel: linuxKernel, root: join(dataRoot, name) }
    const missing = await driver.missing({ ...place, options })
    if (missing !== undefined) throw new GantryError('Unavailable', `error initializing graphdriver: cannot use storage driver ${name}: ${missing}`)
    return await driver.open({ ...place, options, log: (line) => log('warn', line) })
  }
  if (record?.switchingTo !== undefined) log('warn', `a switch of the storage to ${record.switchingTo} was interrupted: \`gantry storage switch ${record.switchingTo}\` goes on with it`)
  const name = config.driver ?? record?.driver ?? (await chooseDriver(dataRoot))
  if (record !== undefined && name !== record.driver) log('warn', `the storage was switched to ${record.driver}, but ${name} was asked for`)
  return {
    snapshotter: await open(name, config.options),
    openDriver: async (other) => open(other, []),
    movedFrom: record?.driver === name ? (record.previous ?? []) : [],
  }
}

/** Docker's order (daemon/graphdriver): first what has content, vfs never by itself unless nothing else works. */
async function chooseDriver(dataRoot: string): Promise<string> {
  const prior = snapshotDrivers.filter(({ name }) => name !== 'vfs' && hasContent(join(dataRoot, name)))
  if (prior.length > 1) {
    const names = prior.map(({ name }) => name).join(', ')
    throw new GantryError('Conflict', `error initializing graphdriver: ${dataRoot} contains several valid graphdrivers: ${names}; cleanup or explicitly choose storage driver (-s <DRIVER>)`)
  }
  if (prior[0] !== undefined) return prior[0].name
  for (const driver of snapshotDrivers) {
    // Of these Docker chooses none by itself any more.
    if (driver.name === 'devicemapper') continue
    if ((await driver.missing({ kernel: linuxKernel, root: join(dataRoot, driver.name) })) === undefined) return driver.name
  }
  return 'vfs'
}

/** Has a driver's directory a layer or a container? */
function hasContent(root: string): boolean {
  const names = inside(root)
  if (names.includes('layers') && names.includes('containers')) return inside(join(root, 'layers')).length + inside(join(root, 'containers')).length > 0
  return names.some((name) => /^[0-9a-f]{64}$/.test(name))
}

function inside(directory: string): string[] {
  return existsSync(directory) ? readdirSync(directory).filter((name) => !name.startsWith(half) && !name.startsWith('.')) : []
}

/** Where there was one driver, the database lay one directory higher. */
function moveOldDatabase(root: string): void {
  const old = join(root, 'images.db')
  if (!existsSync(old)) return
  const database = new DatabaseSync(old)
  database.exec('PRAGMA wal_checkpoint(TRUNCATE)')
  database.close()
  mkdirSync(join(root, 'overlay2'), { recursive: true, mode: 0o700 })
  renameSync(old, join(root, 'overlay2', 'images.db'))
}
