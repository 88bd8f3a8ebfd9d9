import { closeSync, existsSync, fsyncSync, openSync, readFileSync, renameSync, writeSync } from 'node:fs'
import { dirname } from 'node:path'

/** `<data root>/storage.json`: which storage driver the data root is switched to. Its replacement is the moment of a switch. */
export interface StorageRecord {
  driver: string
  /** Its images and containers are being copied; the switch has not happened. */
  switchingTo?: string
  /** The other store had images or containers of its own, which stay. */
  merges?: boolean
  /** Where they came from, the latest last: those stores are kept, and not up to date any more. */
  previous?: string[]
}

/** undefined when nobody ever switched. */
export function readStorageRecord(path: string): StorageRecord | undefined {
  return existsSync(path) ? (JSON.parse(readFileSync(path, 'utf8')) as StorageRecord) : undefined
}

export function writeStorageRecord(path: string, record: StorageRecord): void {
  write(`${path}.new`, JSON.stringify(record))
  renameSync(`${path}.new`, path)
  sync(dirname(path))
}

function write(path: string, text: string): void {
  const descriptor = openSync(path, 'w', 0o600)
  try {
    writeSync(descriptor, text)
    fsyncSync(descriptor)
  } finally {
    closeSync(descriptor)
  }
}

function sync(directory: string): void {
  const descriptor = openSync(directory, 'r')
  try {
    fsyncSync(descriptor)
  } finally {
    closeSync(descriptor)
  }
}
