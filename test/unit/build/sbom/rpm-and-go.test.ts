import assert from 'node:assert/strict'
import { closeSync, mkdtempSync, openSync, rmSync, writeFileSync } from 'node:fs'
import { DatabaseSync } from 'node:sqlite'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { test, type TestContext } from 'node:test'
import { modulesOf, readGoBinary } from '../../../../src/build/sbom/go-binary.ts'
import { readRpmDatabase } from '../../../../src/build/sbom/rpm-database.ts'

function directory(t: TestContext): string {
  const made = mkdtempSync(path.join(tmpdir(), 'gantry-sbom-'))
  t.after(() => rmSync(made, { recursive: true, force: true }))
  return made
}

/** A header as rpm keeps one. */
function header(values: [tag: number, value: string | number][]): Buffer {
  const entries: Buffer[] = []
  let store = Buffer.alloc(0)
  for (const [tag, value] of values) {
    const entry = Buffer.alloc(16)
    for (const [at, number] of [tag, typeof value === 'number' ? 4 : 6, store.length, 1].entries()) entry.writeUInt32BE(number, at * 4)
    entries.push(entry)
    const number = Buffer.alloc(4)
    if (typeof value === 'number') number.writeUInt32BE(value)
    store = Buffer.concat([store, typeof value === 'number' ? number : Buffer.from(`${value}\0`)])
  }
  const head = Buffer.alloc(8)
  head.writeUInt32BE(entries.length)
  head.writeUInt32BE(store.length, 4)
  return Buffer.concat([head, ...entries, store])
}

const itsTable = "CREATE TABLE 'Packages' (hnum INTEGER PRIMARY KEY AUTOINCREMENT,blob BLOB NOT NULL)"

void test('packages of an rpm database, without the keys in it', (t) => {
  const file = path.join(directory(t), 'rpmdb.sqlite')
  const database = new DatabaseSync(file)
  database.exec(itsTable)
  const add = database.prepare('INSERT INTO Packages (blob) VALUES (?)')
  add.run(header([[1000, 'bash'], [1001, '5.2'], [1002, '1.fc40'], [1003, 2], [1014, 'GPL-3.0'], [1022, 'x86_64']]))
  add.run(header([[1000, 'gpg-pubkey'], [1001, 'aa'], [1002, 'bb']]))
  for (const broken of [Buffer.alloc(3), Buffer.alloc(8, 0xff), header([[1000, 'x']]).subarray(0, 20)]) add.run(broken)
  database.close()
  assert.deepEqual(readRpmDatabase(file, '/var/lib/rpm/rpmdb.sqlite'), [{ type: 'rpm', name: 'bash', version: '5.2-1.fc40', epoch: 2, architecture: 'x86_64', license: 'GPL-3.0', from: '/var/lib/rpm/rpmdb.sqlite' }])
})

void test('a database that is none, or has a view where packages are looked for, has none', (t) => {
  const file = path.join(directory(t), 'rpmdb.sqlite')
  writeFileSync(file, 'nothing of the sort')
  assert.deepEqual(readRpmDatabase(file, 'x'), [])
  rmSync(file)
  const database = new DatabaseSync(file)
  database.exec('CREATE VIEW Packages AS WITH RECURSIVE n(hnum, blob) AS (SELECT 1, x\'00\' UNION ALL SELECT hnum + 1, blob FROM n) SELECT * FROM n')
  database.close()
  assert.deepEqual(readRpmDatabase(file, 'x'), [])
})

/** An ELF file of 64 bits with one section besides its names. */
function program(section: string, content: Buffer): Buffer {
  const names = Buffer.from(`\0.shstrtab\0${section}\0`)
  const head = Buffer.alloc(64)
  head.set([0x7f, 0x45, 0x4c, 0x46, 2, 1, 1])
  const table = Buffer.alloc(192)
  const place = (index: number, name: number, { at, size }: { at: number; size: number }): void => {
    table.writeUInt32LE(name, index * 64)
    table.writeBigUInt64LE(BigInt(at), index * 64 + 24)
    table.writeBigUInt64LE(BigInt(size), index * 64 + 32)
  }
  place(1, 1, { at: 64, size: names.length })
  place(2, 11, { at: 64 + names.length, size: content.length })
  head.writeBigUInt64LE(BigInt(64 + names.length + content.length), 40)
  for (const [at, value] of [[58, 64], [60, 3], [62, 1]] as const) head.writeUInt16LE(value, at)
  return Buffer.concat([head, names, content, table])
}

function length(text: string): Buffer {
  return Buffer.from(text.length < 0x80 ? [text.length] : [(text.length & 0x7f) | 0x80, text.length >> 7])
}

function buildInfo(version: string, modules: string): Buffer {
  const head = Buffer.alloc(32)
  head.write('\xff Go buildinf:', 'latin1')
  head.set([8, 2], 14)
  return Buffer.concat([head, length(version), Buffer.from(version), length(modules), Buffer.from(modules)])
}

const frame = 'x'.repeat(16)
const modules = `${frame}path\tm/cmd\nmod\tm\t(devel)\t\ndep\ta.org/b\tv1.2.3\th1:x\ndep\told\tv1.0.0\n=>\tnew\tv2.0.0\th1:y\nbuild\t-compiler=gc\n${frame}`

void test('modules of a program that Go has built', (t) => {
  const file = path.join(directory(t), 'program')
  const read = (bytes: Buffer) => {
    writeFileSync(file, bytes)
    const descriptor = openSync(file, 'r')
    try {
      return readGoBinary(descriptor, '/program').map(({ name, version }) => `${name} ${version}`)
    } finally {
      closeSync(descriptor)
    }
  }
  const whole = program('.go.buildinfo', buildInfo('go1.22.1', modules))
  assert.deepEqual(read(whole), ['stdlib 1.22.1', 'm (devel)', 'a.org/b v1.2.3', 'new v2.0.0'])
  assert.deepEqual(read(program('.text', buildInfo('go1.22.1', modules))), [])
  for (const end of [0, 3, 64, 90, 200, whole.length - 1]) assert.deepEqual(read(whole.subarray(0, end)), [])
  assert.deepEqual(read(Buffer.from('#!/bin/sh\n'.repeat(20))), [])
  assert.deepEqual(modulesOf('', 'x'), [])
})
