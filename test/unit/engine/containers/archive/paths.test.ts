import assert from 'node:assert/strict'
import { closeSync, fstatSync, lstatSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { absolutePath, baseName, directoryName } from '../../../../../src/engine/containers/archive/container-path.ts'
import { goFileMode } from '../../../../../src/engine/containers/archive/go-file-mode.ts'
import { linkTarget } from '../../../../../src/engine/containers/archive/link-target.ts'
import { openAsked, pathStat } from '../../../../../src/engine/containers/archive/stat-path.ts'
import { linuxKernel } from '../../../../../src/kernel/linux.ts'
import { openInRoot } from '../../../../../src/kernel/in-root.ts'
import { testTree } from './tree.ts'

const paths: [path: string, absolute: string, base: string, directory: string][] = [
  ['/', '/', '/', '/'],
  ['.', '/.', '.', '/'],
  ['/.', '/.', '.', '/'],
  ['etc', '/etc', 'etc', '/'],
  ['/etc/', '/etc/', 'etc', '/etc'],
  ['/etc/.', '/etc/.', '.', '/etc'],
  ['etc/../usr//bin', '/usr/bin', 'bin', '/usr'],
  ['../../..', '/', '/', '/'],
  ['/a/..', '/', '/', '/'],
]
for (const [path, absolute, base, directory] of paths) {
  void test(`${JSON.stringify(path)} is ${absolute} in the container, and its archive begins with ${base}`, () => {
    assert.deepEqual([absolutePath(path), baseName(absolutePath(path)), directoryName(absolutePath(path))], [absolute, base, directory])
  })
}

void test('modes are those of Go', () => {
  const { root } = testTree()
  symlinkSync('x', join(root, 'link'))
  assert.equal(goFileMode(lstatSync(join(root, 'data'), { bigint: true })), 2 ** 31 + 0o755)
  assert.equal(goFileMode(lstatSync(join(root, 'link'), { bigint: true })), 2 ** 27 + 0o777)
  assert.equal(goFileMode(lstatSync('/dev/null', { bigint: true })), 2 ** 26 + 2 ** 21 + 0o666)
  assert.equal(goFileMode(lstatSync('/tmp', { bigint: true })), 2 ** 31 + 2 ** 20 + 0o777)
})

void test('links are followed inside the root only, and a path that does not exist has a place, too', () => {
  const { root, bait, descriptor } = testTree()
  mkdirSync(join(root, 'etc/deep'), { recursive: true })
  symlinkSync('/etc', join(root, 'data/absolute'))
  symlinkSync('../../../../../../etc/deep', join(root, 'data/climbing'))
  symlinkSync(bait, join(root, 'data/outside'))
  symlinkSync('loop', join(root, 'data/loop'))
  const target = (path: string): string => linkTarget(linuxKernel, descriptor, path)
  assert.equal(target('/data/absolute/deep'), '/etc/deep')
  assert.equal(target('/data/climbing/..'), '/etc')
  assert.equal(target('/data/outside/secret'), `${bait}/secret`)
  assert.equal(target('/data/missing/x'), '/data/missing/x')
  assert.throws(() => target('/data/loop'), { code: 'ELOOP' })
  assert.throws(() => openInRoot(linuxKernel, descriptor, '/data/outside/secret', 'followed'), { code: 'ENOENT' })
})

void test('what is at a path is told in the words of the API', () => {
  const { root, descriptor } = testTree()
  writeFileSync(join(root, 'data/file'), 'four')
  symlinkSync('../data/file', join(root, 'data/link'))
  const view = { root: descriptor, close: async () => {} }
  const stat = (path: string) => {
    const asked = { ref: 'web', path }
    const node = openAsked(linuxKernel, view, asked)
    try {
      return pathStat(linuxKernel, view, { asked, stats: fstatSync(node, { bigint: true }) })
    } finally {
      closeSync(node)
    }
  }
  const file = stat('/data/file')
  assert.deepEqual({ ...file, mtime: '' }, { name: 'file', size: 4, mode: 0o644, mtime: '', linkTarget: '' })
  assert.equal(Date.parse(file.mtime), Math.floor(lstatSync(join(root, 'data/file')).mtimeMs))
  assert.equal(stat('/data/link').linkTarget, '/data/file')
  assert.equal(stat('/').name, '/')
  assert.throws(() => stat('/data/none'), { kind: 'NotFound', message: 'Could not find the file /data/none in container web' })
  assert.throws(() => stat('/data/file/'), { kind: 'System', message: 'lstat /data/file/: not a directory' })
})
