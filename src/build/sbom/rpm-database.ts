import { DatabaseSync } from 'node:sqlite'
import type { FoundPackage } from './package-databases.ts'

/** Tags and types of a header. Source: rpm's manual, "Package format", "Header tag data". */
const tags = { name: 1000, version: 1001, release: 1002, epoch: 1003, license: 1014, architecture: 1022 } as const
const [int32, text, texts] = [4, 6, 9]
const mostTags = 100_000
const itsTable = /^CREATE TABLE\s+['"]?Packages['"]?\s*\(\s*hnum INTEGER PRIMARY KEY AUTOINCREMENT,\s*blob BLOB NOT NULL\s*\)$/i

/** rpm's `rpmdb.sqlite`: each row of "Packages" is one header. What is no such database has no packages. */
export function readRpmDatabase(file: string, from: string): FoundPackage[] {
  let database: DatabaseSync | undefined
  try {
    database = new DatabaseSync(file, { readOnly: true })
    // A stranger's view or computed column could go on for ever.
    const made = database.prepare("SELECT sql FROM sqlite_schema WHERE type = 'table' AND name = 'Packages'").get()?.['sql']
    if (typeof made !== 'string' || !itsTable.test(made)) return []
    const rows = database.prepare('SELECT blob FROM Packages ORDER BY hnum LIMIT 100000').all() as { blob: unknown }[]
    return rows.flatMap(({ blob }) => (blob instanceof Uint8Array ? packageOf(Buffer.from(blob.buffer, blob.byteOffset, blob.byteLength), from) : []))
  } catch {
    return []
  } finally {
    database?.close()
  }
}

/** A header without its magic: how many entries, how many bytes, the entries, the bytes. */
export function packageOf(header: Buffer, from: string): FoundPackage[] {
  if (header.length < 8) return []
  const count = header.readUInt32BE(0)
  const store = 8 + count * 16
  if (count > mostTags || store > header.length) return []
  const values = new Map<number, string | number>()
  for (let at = 8; at < store; at += 16) {
    const [tag, type, offset] = [header.readUInt32BE(at), header.readUInt32BE(at + 4), store + header.readUInt32BE(at + 8)]
    if (offset >= header.length) continue
    if (type === int32 && offset + 4 <= header.length) values.set(tag, header.readUInt32BE(offset))
    if (type === text || type === texts) {
      const end = header.indexOf(0, offset)
      if (end !== -1) values.set(tag, header.toString('utf8', offset, end))
    }
  }
  const { name, version, release, epoch, license, architecture } = Object.fromEntries(Object.entries(tags).map(([key, tag]) => [key, values.get(tag)])) as Partial<Record<keyof typeof tags, string | number>>
  // Keys that were imported are listed as packages.
  if (typeof name !== 'string' || name === 'gpg-pubkey' || typeof version !== 'string') return []
  return [{
    type: 'rpm',
    name,
    version: `${version}${release === undefined ? '' : `-${release}`}`,
    from,
    ...(typeof epoch === 'number' && { epoch }),
    ...(typeof architecture === 'string' && { architecture }),
    ...(typeof license === 'string' && { license }),
  }]
}
