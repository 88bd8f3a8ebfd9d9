import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { parseAccounts, parseSubordinateRanges, type AccountFiles } from '../../../../src/engine/user-namespace/accounts.ts'
import { freeStart } from '../../../../src/engine/user-namespace/default-user.ts'
import { remapOf, remapOwner } from '../../../../src/engine/user-namespace/remap.ts'

const files: AccountFiles = {
  users: 'root:x:0:0:root:/root:/bin/sh\n# no user\nada:x:1000:1000::/home/ada:/bin/sh\n1001:x:1002:1002::/:/bin/false\nbroken\n',
  groups: 'root:x:0:\nada:x:1000:\nstaff:x:50:ada\n',
  subordinateUsers: '\nada:100000:65536\nbert:165536:65536\n1000:300000:10\nada:x:y\nada:5:0\n',
  subordinateGroups: 'staff:400000:65536\nada:200000:1000\n',
}

function owner(value: string): string {
  const { user, group } = remapOwner(value, files)
  return `${user.name}/${user.id} ${group.name}/${group.id}`
}

test('a user may be named or numbered, with a group or without', () => {
  for (const value of ['ada', '1000', 'ada:ada', '1000:1000', 'ada:1000']) assert.equal(owner(value), 'ada/1000 ada/1000', value)
  assert.equal(owner('ada:staff'), 'ada/1000 staff/50')
  assert.equal(owner('root'), 'root/0 root/0')
})

test('who does not exist is named', () => {
  const refused: [string, RegExp][] = [
    ['nobody', /^Error during uid lookup for "nobody"/], ['7', /^Uid 7 has no entry in \/etc\/passwd/], ['ada:nobody', /^Error during gid lookup for "nobody"/],
    ['ada:7', /^Gid 7 has no entry in \/etc\/group/], ['a:b:c', /^Invalid user\/group specification in --userns-remap: "a:b:c"/], ['default', /lookup for "dockremap"/], ['', /lookup for ""/],
  ]
  for (const [value, message] of refused) assert.throws(() => remapOwner(value, files), { kind: 'InvalidParameter', message }, value)
})

test('ranges of a user by name and by number follow each other from 0', () => {
  const remap = remapOf(remapOwner('ada', files), files)
  assert.deepEqual(remap.uids, [{ containerID: 0, hostID: 100_000, size: 65_536 }, { containerID: 65_536, hostID: 300_000, size: 10 }])
  assert.deepEqual(remap.gids, [{ containerID: 0, hostID: 200_000, size: 1000 }])
  assert.deepEqual(remap.root, { uid: 100_000, gid: 200_000 })
  assert.throws(() => remapOf(remapOwner('root', files), files), { message: `Can't create ID mappings: no subuid ranges found for user "root"` })
})

test('lines that are no accounts or ranges are passed over', () => {
  assert.deepEqual(parseAccounts(files.users).map(({ name }) => name), ['root', 'ada', '1001'])
  assert.equal(parseSubordinateRanges(files.subordinateUsers).length, 3)
})

test('a new range meets no other, and begins at 100000 or after one', () => {
  const range = fc.record({ start: fc.integer({ min: 0, max: 1_000_000 }), count: fc.integer({ min: 1, max: 200_000 }) })
  fc.assert(fc.property(fc.array(range, { maxLength: 12 }), (ranges) => {
    const start = freeStart(ranges)
    assert.ok(start >= 100_000)
    assert.ok(start === 100_000 || ranges.some((each) => each.start + each.count === start))
    for (const each of ranges) assert.ok(start + 65_536 <= each.start || start >= each.start + each.count)
  }))
})
