import assert from 'node:assert/strict'
import { mkdtempSync, readdirSync, rmSync, truncateSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe, test } from 'node:test'
import type { CompiledSeccomp } from '../../../src/kernel/seccomp/compile.ts'
import { filterStore } from '../../../src/runc/filter-store.ts'

const plain = ({ filter: bytes, ...rest }: CompiledSeccomp): object => ({ ...rest, filter: Buffer.from(bytes).toString('hex') })

void describe('the store of compiled filters', () => {
  const directory = mkdtempSync(join(tmpdir(), 'gantry-filters-'))
  after(() => rmSync(directory, { recursive: true }))
  const filter: CompiledSeccomp = { filter: Buffer.alloc(24, 7), instructions: 3, flags: 2 }
  let compiled = 0
  const compile = (): CompiledSeccomp => {
    compiled++
    return filter
  }

  void test('compiles a profile once for all processes of a build', () => {
    assert.deepEqual(plain(filterStore(directory, 'one')('profile', compile)), plain(filter))
    assert.deepEqual(plain(filterStore(directory, 'one')('profile', compile)), plain(filter))
    assert.equal(compiled, 1)
    filterStore(directory, 'two')('profile', compile)
    filterStore(directory, 'one')('other profile', compile)
    assert.equal(compiled, 3)
  })

  void test('takes no damaged file for a filter', () => {
    for (const name of readdirSync(directory)) truncateSync(join(directory, name), 30)
    compiled = 0
    assert.deepEqual(plain(filterStore(directory, 'one')('profile', compile)), plain(filter))
    assert.equal(compiled, 1)
  })

  void test('does without a directory that it cannot write', () => {
    assert.deepEqual(plain(filterStore('/dev/null/nowhere', 'one')('profile', compile)), plain(filter))
  })
})
