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
}, { images: [tiny] })
