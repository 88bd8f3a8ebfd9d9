import assert from 'node:assert/strict'
import { test } from 'node:test'
import { profileText } from '../../../../src/engine/security/apparmor-profile.ts'
import { apparmorProfileOf } from '../../../../src/engine/spec/security-options.ts'

/** Patterns of apparmor.d(5) as the profile has them, matched as the parser would. */
function isDenied(path: string, permission: string): boolean {
  return profileText('p').split('\n').some((line) => {
    const [, pattern, permissions = ''] = /^ {2}deny (\/\S+) (\w+),$/.exec(line) ?? []
    if (pattern === undefined || !permissions.includes(permission)) return false
    const source = pattern.replaceAll('**', '\0').replaceAll('*', '[^/]*').replaceAll('\0', '.+').replaceAll('{', '(').replaceAll('}', ')').replaceAll(',', '|').replaceAll('[^s]', '[^/s]')
    return new RegExp(`^${source}$`).test(path)
  })
}

test("settings of the host are denied, those of processes, shared memory, the network and cgroups are not", () => {
  const denied = ['/proc/sys/vm/swappiness', '/proc/sys/kernel/core_pattern', '/proc/sys/kernel/modprobe', '/proc/sys/kernel/sysrq', '/proc/sys/kernel/seccomp/actions_logged', '/proc/sys/fs/suid_dumpable',
    '/proc/sysrq-trigger', '/proc/timer_list', '/proc/irq/1/smp_affinity', '/sys/kernel/uevent_helper', '/sys/power/state', '/sys/fs/ext4/vda/x', '/sys/class/net/x/y', '/sys/firmware/efi/x']
  const allowed = ['/proc/self/oom_score_adj', '/proc/1/attr/exec', '/proc/sys/kernel/shmmax', '/proc/sys/kernel/shm_rmid_forced', '/proc/sys/net/ipv4/ip_forward', '/sys/fs/cgroup/a/b', '/sys/fs/cgroup/memory/x', '/etc/passwd']
  for (const path of denied) assert.ok(isDenied(path, 'w'), path)
  for (const path of allowed) assert.ok(!isDenied(path, 'w'), path)
  assert.ok(isDenied('/proc/kcore', 'r') && !isDenied('/proc/meminfo', 'r'))
})

test('the profile of a container is the one it asks for, the default, or none when it is privileged or the host has none', () => {
  const security = { apparmor: 'docker-default' }
  assert.equal(apparmorProfileOf({}, security), 'docker-default')
  assert.equal(apparmorProfileOf({ SecurityOpt: ['apparmor=own'] }, security), 'own')
  assert.equal(apparmorProfileOf({ SecurityOpt: ['apparmor:own'] }, security), 'own')
  assert.equal(apparmorProfileOf({ SecurityOpt: ['apparmor=own'], Privileged: true }, security), 'unconfined')
  assert.equal(apparmorProfileOf({ SecurityOpt: ['apparmor=own'] }, {}), '')
  const withoutParser = { apparmor: '' }
  assert.deepEqual([apparmorProfileOf({}, withoutParser), apparmorProfileOf({ SecurityOpt: ['apparmor=own'] }, withoutParser)], ['', 'own'])
})
