import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { AccountFiles } from '../../../../src/engine/user-namespace/accounts.ts'
import { ensureDefaultUser } from '../../../../src/engine/user-namespace/default-user.ts'

const none: AccountFiles = { users: '', groups: '', subordinateUsers: '', subordinateGroups: '' }

/** A host whose tools write down what they are asked. */
function host(files: AccountFiles, code = 0) {
  const asked: string[] = []
  const tool = (argv: readonly string[]) => {
    asked.push(argv.filter((word) => !word.startsWith('--') || /sub|group|gid/.test(word)).join(' '))
    return Promise.resolve({ code, stdout: '', stderr: 'no room\n' })
  }
  return { asked, run: () => ensureDefaultUser({ tool }, () => files) }
}

test('the user, its group and ranges are made', async () => {
  const { asked, run } = host({ ...none, subordinateUsers: 'ada:100000:65536\n' })
  await run()
  assert.deepEqual(asked, ['useradd --user-group /nonexistent /bin/false dockremap', 'usermod --add-subuids 165536-231071 dockremap', 'usermod --add-subgids 100000-165535 dockremap'])
})

test('what is there stays as it is', async () => {
  const ranges = { subordinateUsers: 'dockremap:500000:65536\n', subordinateGroups: 'dockremap:500000:65536\n' }
  const complete = host({ users: 'dockremap:x:999:999::/:/bin/false\n', groups: 'dockremap:x:999:\n', ...ranges })
  await complete.run()
  assert.deepEqual(complete.asked, [])
  const groupOnly = host({ ...none, ...ranges, groups: 'dockremap:x:999:\n' })
  await groupOnly.run()
  assert.deepEqual(groupOnly.asked, ['useradd --gid dockremap /nonexistent /bin/false dockremap'])
})

test('the reason of the tool is passed on', async () => {
  await assert.rejects(host(none, 1).run(), { kind: 'System', message: 'Error during "dockremap" user creation: no room' })
})
