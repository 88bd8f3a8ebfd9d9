import assert from 'node:assert/strict'
import { test } from 'node:test'
import { containerLabels } from '../../../../src/engine/security/selinux-labels.ts'
import type { HostConfig } from '../../../../src/engine/types/host-config.ts'

const contexts = { process: 'system_u:system_r:container_t:s0', file: 'system_u:object_r:container_file_t:s0', sharedFile: 'system_u:object_r:container_ro_file_t:s0' }
const labels = (hostConfig: HostConfig, inherited?: string) => containerLabels(hostConfig, { contexts, taken: new Set(), inherited })
const options = (...words: string[]): HostConfig => ({ SecurityOpt: words.map((word) => `label=${word}`) })

test('processes and files have the same pair of categories, the lower one first, and no two containers the same', () => {
  const taken = new Set<string>()
  for (let count = 0; count < 2000; count++) {
    const { process, mount } = containerLabels({}, { contexts, taken })
    const [, one = '', other = ''] = /^system_u:system_r:container_t:s0:c(\d+),c(\d+)$/.exec(process) ?? []
    assert.ok(Number(one) < Number(other) && Number(other) < 1024, process)
    const level = `s0:c${one},c${other}`
    assert.equal(mount, `system_u:object_r:container_file_t:${level}`)
    assert.ok(!taken.has(level))
    taken.add(level)
  }
})

test('each part can be changed by itself', () => {
  const all = labels(options('user:u', 'role:r', 'type:t', 'level:s0:c1,c2', 'filetype:f'))
  assert.deepEqual(all, { process: 'u:r:t:s0:c1,c2', mount: 'u:object_r:f:s0:c1,c2' })
  assert.match(labels(options('type:spc_t')).process, /^system_u:system_r:spc_t:s0:c\d+,c\d+$/)
})

test('who is privileged, or in namespaces of the host, has no label, unless one is asked for', () => {
  const none = { process: '', mount: 'system_u:object_r:container_file_t:s0:c1022,c1023' }
  for (const hostConfig of [{ Privileged: true }, { PidMode: 'host' }, { IpcMode: 'host' }, options('disable')]) assert.deepEqual(labels(hostConfig), none)
  assert.match(labels({ Privileged: true, ...options('type:t') }).process, /:t:/)
})

test('who joins a container is labelled as that is', () => {
  const joined = labels({ IpcMode: 'container:x' }, 'a:b:c:s0:c3,c4')
  assert.deepEqual(joined, { process: 'a:b:c:s0:c3,c4', mount: 'a:object_r:container_file_t:s0:c3,c4' })
  assert.equal(labels({ IpcMode: 'container:x' }, '').process, '')
})

test('what is no label option is refused in the words that clients know', () => {
  assert.throws(() => labels(options('nothing')), { kind: 'InvalidParameter', message: `Bad label option "nothing", valid options 'disable' or \n'user, role, level, type, filetype' followed by ':' and a value` })
  assert.throws(() => labels(options('colour:red')), { message: /^Bad label option "colour", valid options 'disable, user/ })
})
