import assert from 'node:assert/strict'
import { chmodSync, closeSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { execFileSync } from 'node:child_process'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { withFileIdentity } from '../../../src/kernel/file-identity.ts'
import { linuxKernel } from '../../../src/kernel/linux.ts'
import { mountMappedBind, mountMappedOverlay } from '../../../src/kernel/mapped-mount.ts'
import { unmount } from '../../../src/kernel/mount.ts'
import { openUserNamespace } from '../../../src/kernel/user-namespace.ts'

const privileged = { skip: process.getuid?.() !== 0 && 'needs root' }
const ranges = [{ containerID: 0, hostID: 300_000, size: 1000 }]
const owner = (path: string) => `${statSync(path).uid}:${statSync(path).gid}`

test('an overlay on a shared mount stays when its layers are put away', privileged, () => {
  const top = mkdtempSync(join(tmpdir(), 'gantry-shared-'))
  const at = (name: string) => join(top, name)
  execFileSync('mount', ['-t', 'tmpfs', 'tmpfs', top])
  const namespace = openUserNamespace(linuxKernel, { uids: ranges, gids: ranges })
  try {
    execFileSync('mount', ['--make-shared', top])
    for (const name of ['o/lower', 'o/upper', 'o/work', 'o/merged']) mkdirSync(at(name), { recursive: true })
    writeFileSync(at('o/lower/file'), '')
    const overlay = { lower: [at('o/lower')], upper: at('o/upper'), work: at('o/work') }
    mountMappedOverlay(linuxKernel, at('o/merged'), { overlay, by: { namespace, uid: 300_000, gid: 300_000 }, staging: at('staging') })
    assert.equal(owner(at('o/merged/file')), '300000:300000')
    unmount(linuxKernel, at('o/merged'))
  } finally {
    closeSync(namespace)
    execFileSync('umount', ['-R', top])
    rmSync(top, { recursive: true })
  }
})

test('an overlay of mapped layers shows and makes files with mapped ids, and has unmapped ones on disk', privileged, () => {
  const top = mkdtempSync(join(tmpdir(), 'gantry-mapped-'))
  const at = (name: string) => join(top, name)
  for (const name of ['layers/a/diff', 'layers/b/diff', 'layers/c/diff', 'layers/c/work', 'merged', 'bound']) mkdirSync(at(name), { recursive: true })
  chmodSync(top, 0o755)
  writeFileSync(at('layers/a/diff/low'), 'low')
  const namespace = openUserNamespace(linuxKernel, { uids: ranges, gids: ranges })
  const by = { namespace, uid: 300_000, gid: 300_000 }
  const overlay = { lower: [at('layers/b/diff'), at('layers/a/diff')], upper: at('layers/c/diff'), work: at('layers/c/work') }
  const before = readFileSync('/proc/thread-self/status', 'latin1').match(/^(Uid|Gid|Cap\w+):.*$/gm)
  try {
    mountMappedOverlay(linuxKernel, at('merged'), { overlay, by, staging: at('staging') })
    assert.equal(owner(at('merged/low')), '300000:300000')
    execFileSync('setpriv', ['--reuid=300000', '--regid=300007', '--clear-groups', 'sh', '-c', 'echo more >>low; echo new >new; mkdir d'], { cwd: at('merged') })
    assert.deepEqual(['low', 'new', 'd'].map((name) => owner(at(`layers/c/diff/${name}`))), ['0:0', '0:7', '0:7'])
    assert.equal(readFileSync(at('layers/a/diff/low'), 'utf8'), 'low')
    mountMappedBind(linuxKernel, at('bound'), { source: at('layers/a'), readonly: true, by })
    assert.equal(owner(at('bound/diff/low')), '300000:300000')
    assert.throws(() => writeFileSync(at('bound/diff/x'), ''), { code: 'EROFS' })
    assert.deepEqual(readdirSync(at('staging')), [])
    assert.deepEqual(readFileSync('/proc/thread-self/status', 'latin1').match(/^(Uid|Gid|Cap\w+):.*$/gm), before)
  } finally {
    closeSync(namespace)
    for (const name of ['merged', 'bound']) unmount(linuxKernel, at(name))
    rmSync(top, { recursive: true })
  }
})

test('what is done as another user is undone, also when it fails, and the file system takes it for theirs', privileged, () => {
  const top = mkdtempSync(join(tmpdir(), 'gantry-identity-'))
  try {
    withFileIdentity(linuxKernel, { uid: 1234, gid: 2345 }, () => mkdirSync(join(top, 'theirs')))
    assert.equal(owner(join(top, 'theirs')), '1234:2345')
    assert.throws(() => withFileIdentity(linuxKernel, { uid: 1234, gid: 2345 }, () => { throw new Error('no') }), /no/)
    mkdirSync(join(top, 'ours'))
    assert.equal(owner(join(top, 'ours')), '0:0')
  } finally {
    rmSync(top, { recursive: true })
  }
})
