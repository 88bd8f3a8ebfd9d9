import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe, test } from 'node:test'
import { linuxKernel } from '../../../src/kernel/linux.ts'
import { resolveUser } from '../../../src/runc/user.ts'

describe('a user of a root file system', () => {
  const rootfs = mkdtempSync(join(tmpdir(), 'gantry-user-test-'))
  const etc = join(rootfs, 'etc')
  mkdirSync(etc)
  writeFileSync(join(etc, 'passwd'), 'root:x:0:0:root:/root:/bin/sh\n\nnginx:x:101:102:nginx:/var/nginx:/sbin/nologin\nodd:x:7\n12:x:500:501::/twelve:\n')
  writeFileSync(join(etc, 'group'), 'root:x:0:\nwheel:x:10:root,nginx\nnginx:x:102:nginx\naudio:x:63:root\n')
  after(() => rmSync(rootfs, { recursive: true }))
  const resolve = (spec: string, groups?: string[]): unknown => resolveUser(linuxKernel, rootfs, spec, groups)

  test('is root unless told, with the groups of root', () => {
    assert.deepEqual(resolve(''), { uid: 0, gid: 0, additionalGids: [0, 10, 63], home: '/root' })
  })

  test('is found by name and by number, number first', () => {
    const nginx = { uid: 101, gid: 102, additionalGids: [102, 10], home: '/var/nginx' }
    assert.deepEqual(resolve('nginx'), nginx)
    assert.deepEqual(resolve('101'), nginx)
    assert.deepEqual(resolve('12'), { uid: 12, gid: 0, additionalGids: [0], home: '/' })
  })

  test('with a group has that one alone', () => {
    assert.deepEqual(resolve('nginx:audio'), { uid: 101, gid: 63, additionalGids: [63], home: '/var/nginx' })
    assert.deepEqual(resolve('nginx:77'), { uid: 101, gid: 77, additionalGids: [77], home: '/var/nginx' })
    assert.deepEqual(resolve(':audio'), { uid: 0, gid: 63, additionalGids: [63], home: '/root' })
  })

  test('gets further groups by name and number', () => {
    assert.deepEqual(resolve('1000:1000', ['audio', '5', 'audio']), { uid: 1000, gid: 1000, additionalGids: [1000, 63, 5], home: '/' })
  })

  test('that is not there is refused in the words of Docker', () => {
    const refused: [string, string][] = [
      ['nobody', 'unable to find user nobody: no matching entries in passwd file'],
      ['nginx:nobody', 'unable to find group nobody: no matching entries in group file'],
      ['-1', 'uids and gids must be in range 0-2147483647'],
      ['2147483648', 'uids and gids must be in range 0-2147483647'],
      ['0:4294967296', 'uids and gids must be in range 0-2147483647'],
    ]
    for (const [spec, message] of refused) assert.throws(() => resolve(spec), { kind: 'InvalidParameter', message })
    assert.throws(() => resolve('0', ['nobody']), { message: 'Unable to find group nobody' })
  })

  test('needs no passwd file when it is a number', () => {
    assert.deepEqual(resolveUser(linuxKernel, etc, '5:6'), { uid: 5, gid: 6, additionalGids: [6], home: '/' })
    assert.throws(() => resolveUser(linuxKernel, etc, 'x'), { message: 'unable to find user x: no matching entries in passwd file' })
  })

  test('is never looked up outside the root, nor in what is no file', () => {
    const evil = join(rootfs, 'evil')
    mkdirSync(join(evil, 'etc'), { recursive: true })
    symlinkSync('../../../../../../../../etc/passwd', join(evil, 'etc/passwd'))
    assert.throws(() => resolveUser(linuxKernel, evil, 'root'), { code: 'ELOOP' })
    rmSync(join(evil, 'etc/passwd'))
    execFileSync('mkfifo', [join(evil, 'etc/passwd')])
    assert.throws(() => resolveUser(linuxKernel, evil, 'root'), { kind: 'InvalidParameter' })
  })
})
