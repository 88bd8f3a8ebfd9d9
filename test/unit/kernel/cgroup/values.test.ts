import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import type { CgroupLayout } from '../../../../src/kernel/cgroup/layout.ts'
import { parsePressure } from '../../../../src/kernel/cgroup/pressure.ts'
import { weightOfShares } from '../../../../src/kernel/cgroup/resources-v2.ts'
import { unifiedNames } from '../../../../src/kernel/cgroup/unified-names.ts'
import { readCgroupValues, writeCgroupValues } from '../../../../src/kernel/cgroup/values.ts'

function inCgroups(tell: (layout: CgroupLayout, fileOf: (name: string) => string) => void): void {
  const root = mkdtempSync('/tmp/gt-cgroup-')
  const fileOf = (name: string) => join(root, name.split('.')[0] ?? '', 'x', name)
  try {
    const files: Record<string, string> = { 'cpu.shares': '1024\n', 'cpu.cfs_quota_us': '-1\n', 'cpu.cfs_period_us': '100000\n', 'memory.limit_in_bytes': '9223372036854771712\n', 'pids.max': 'max\n' }
    for (const [name, text] of Object.entries(files)) {
      mkdirSync(join(root, name.split('.')[0] ?? '', 'x'), { recursive: true })
      writeFileSync(fileOf(name), text)
    }
    const hierarchies = ['cpu', 'memory', 'pids'].map((name) => ({ version: 1 as const, name, mountpoint: join(root, name), controllers: [name] }))
    tell({ mode: 'v1', root, hierarchies }, fileOf)
  } finally {
    rmSync(root, { recursive: true })
  }
}

void test('on v1 the names of v2 reach the files that mean the same', () => {
  inCgroups((layout, fileOf) => {
    writeCgroupValues(layout, '/x', { 'cpu.weight': '50', 'cpu.max': '20000 50000', 'memory.max': 'max', 'pids.max': '7', 'cpu.shares': '77' })
    const texts = ['cpu.shares', 'cpu.cfs_quota_us', 'cpu.cfs_period_us', 'memory.limit_in_bytes', 'pids.max'].map((name) => readFileSync(fileOf(name), 'utf8'))
    assert.deepEqual(texts, ['77', '20000', '50000', '-1', '7'])
  })
})

void test('every weight comes back as the one that was set', () => {
  const shares = unifiedNames.find(({ v2 }) => v2 === 'cpu.weight')
  for (let weight = 1; weight <= 10_000; weight++) assert.equal(weightOfShares(Number(shares?.toV1?.(String(weight)))), weight)
})

void test('values are read as they are, with the word of v2 beside them', () => {
  inCgroups((layout, fileOf) => {
    const values = new Map(readCgroupValues(layout, '/x').map((value) => [value.file, value]))
    assert.deepEqual(values.get('cpu.shares'), { file: 'cpu.shares', path: fileOf('cpu.shares'), value: '1024', unified: { file: 'cpu.weight', value: '39' } })
    assert.deepEqual(values.get('memory.limit_in_bytes')?.unified, { file: 'memory.max', value: 'max' })
    assert.deepEqual(readCgroupValues(layout, '/gone'), [])
  })
})

void test('what is no limit, or not there, is refused before anything is written', () => {
  inCgroups((layout, fileOf) => {
    for (const name of ['cgroup.procs', '../x', 'memory.reclaim', 'cgroup.kill', 'tasks']) assert.throws(() => writeCgroupValues(layout, '/x', { 'pids.max': '9', [name]: '1' }), /it is no limit of a cgroup/)
    assert.throws(() => writeCgroupValues(layout, '/x', { 'pids.max': '9', 'memory.high': '1' }), /cannot set memory\.high: this host's cgroups do not have it/)
    assert.throws(() => writeCgroupValues(layout, '/x', { 'pids.max': '1\n2' }), /its value must be one line/)
    assert.equal(readFileSync(fileOf('pids.max'), 'utf8'), 'max\n')
  })
})

const line = (kind: string) => `${kind} avg10=1.50 avg60=0.20 avg300=0.00 total=123456`

void test('pressure is parsed as the kernel writes it', () => {
  const values = { avg10: 1.5, avg60: 0.2, avg300: 0, total: 123_456 }
  assert.deepEqual(parsePressure(`${line('some')}\n${line('full')}\n`), { some: values, full: values })
  assert.deepEqual(parsePressure(`${line('some')}\n`), { some: values })
  assert.equal(parsePressure(''), undefined)
})
