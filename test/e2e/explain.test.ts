import assert from 'node:assert/strict'
import { test } from 'node:test'
import { program } from './harness/program.ts'
import { must } from './harness/run.ts'
import { engineUnderTest, tiny, throughEachClient } from './harness/stories.ts'

throughEachClient('what only Gantry has', (stage) => {
  const skip = engineUnderTest === 'dockerd' && 'only Gantry has it'

  void test('explain prints the program that made a container, one operation a line', { skip }, async () => {
    await using container = await stage.container('--hostname', 'explained', tiny, 'sleep', '99')
    const lines = (await must([program('gantry'), 'explain', container.id], { env: stage.env })).split('\n')
    assert.ok(lines.length > 30, `${lines.length} lines`)
    for (const call of ['clone3', 'mount', 'sethostname', 'capset', 'seccomp', 'execve']) {
      assert.ok(lines.some((line) => line.includes(call)), `no ${call} among\n${lines.join('\n')}`)
    }
    assert.ok(lines.some((line) => line.includes('explained')))
  })

  for (const flags of [['--device-read-bps', '/dev/null:1mb'], ['--device-write-iops', '/dev/null:1']]) {
    void test(`run ${flags.join(' ')} says that it is not implemented, and makes nothing`, { skip }, async () => {
      const { code, stderr } = await stage.docker('run', '-d', ...flags, tiny, 'sleep', '99')
      assert.equal(code, 125)
      assert.match(stderr, new RegExp(`not implemented yet: ${flags[0]}`))
      assert.equal(await stage.ok('ps', '-aq'), '')
    })
  }
}, { images: [tiny] })
