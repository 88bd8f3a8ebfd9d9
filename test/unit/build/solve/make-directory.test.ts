import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { test } from 'node:test'
import { makeDirectory } from '../../../../src/build/solve/make-directory.ts'
import { linuxKernel } from '../../../../src/kernel/linux.ts'

void test('directories that WORKDIR makes belong to its user; those that are there stay as they are', { skip: process.getuid?.() !== 0 && 'needs root' }, (t) => {
  const root = mkdtempSync(path.join(tmpdir(), 'gantry-workdir-'))
  t.after(() => rmSync(root, { recursive: true, force: true }))
  mkdirSync(path.join(root, 'etc'))
  mkdirSync(path.join(root, 'there'))
  writeFileSync(path.join(root, 'etc/passwd'), 'me:x:5:6::/:\n')
  symlinkSync('/there', path.join(root, 'link'))
  const kernel = linuxKernel
  for (const [where, chown] of [['/there/a/b', 'me'], ['/link/c', '7:8'], ['/d', 'nobody-here'], ['/e', '']] as const) makeDirectory(kernel, root, { path: where, chown })
  const owner = (name: string): string => `${statSync(path.join(root, name)).uid}:${statSync(path.join(root, name)).gid}`
  assert.deepEqual(['there', 'there/a', 'there/a/b', 'there/c', 'd', 'e'].map(owner), ['0:0', '5:6', '5:6', '7:8', '0:0', '0:0'])
})
