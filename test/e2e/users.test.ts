import assert from 'node:assert/strict'
import { test } from 'node:test'
import { read } from './harness/processes.ts'
import { must } from './harness/run.ts'
import { tiny, tools, throughEachClient } from './harness/stories.ts'

throughEachClient('users', (stage) => {
  void test('root of a container is root of the host', async () => {
    await using container = await stage.container(tiny, 'sleep', '99')
    assert.equal(await must(['ps', '-o', 'user=', '-p', String(container.pid)]), 'root')
  })

  void test('it has the fourteen default capabilities, and no more', async () => {
    await using container = await stage.container(tiny, 'sleep', '99')
    const status = read(`/proc/${container.pid}/status`)
    for (const set of ['CapPrm', 'CapEff', 'CapBnd']) assert.match(status, new RegExp(`^${set}:\\t00000000a80425fb$`, 'm'))
    assert.match(status, /^CapAmb:\t0+$/m)
  })

  void test('it can see kernel modules and not remove one', async () => {
    const { code, stderr, stdout } = await stage.docker('run', '--rm', tiny, 'rmmod', 'gantry_no_such_module')
    assert.notEqual(code, 0)
    assert.match(stderr + stdout, /Operation not permitted/)
    const modules = read('/proc/modules')
    if (modules !== '') assert.equal(await stage.ok('run', '--rm', tiny, 'cat', '/proc/modules'), modules.trim())
  })

  void test('-u with a number runs as that user, who cannot read the shadow file', async () => {
    assert.equal(await stage.ok('run', '--rm', '-u', '500', tools, 'whoami'), 'user500')
    const shadow = await stage.docker('run', '--rm', '-u', '500', tools, 'cat', '/etc/shadow')
    assert.equal(shadow.code, 1)
    assert.match(shadow.stderr, /Permission denied/)
  })

  for (const [user, ids] of [
    ['user500', 'uid=500(user500) gid=500(user500) groups=500(user500),600(extra)'],
    ['user500:extra', 'uid=500(user500) gid=600(extra) groups=600(extra)'],
    ['500:7', 'uid=500(user500) gid=7 groups=7'],
    ['12345', 'uid=12345 gid=0(root) groups=0(root)'],
  ] as const) {
    void test(`-u ${user} gives ${ids}`, async () => {
      assert.equal(await stage.ok('run', '--rm', '-u', user, tools, 'id'), ids)
    })
  }

  void test('an unknown number has / for its home, a known one its own', async () => {
    assert.equal(await stage.ok('run', '--rm', '-u', '12345', tools, 'sh', '-c', 'echo $HOME'), '/')
    assert.equal(await stage.ok('run', '--rm', '-u', '500', tools, 'sh', '-c', 'echo $HOME'), '/home/user500')
  })

  void test('an unknown name is refused with 125 or 126 and the reason', async () => {
    const { code, stderr } = await stage.docker('run', '--rm', '-u', 'nobody-here', tools, 'true')
    assert.ok([125, 126].includes(code), String(code))
    assert.match(stderr, /unable to find user nobody-here: no matching entries in passwd file/)
  })
})
