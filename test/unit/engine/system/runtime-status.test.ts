import assert from 'node:assert/strict'
import { test } from 'node:test'
import { withStatus } from '../../../../src/engine/system/runtime-status.ts'

void test('a runtime is asked once what it can do; one that cannot tell is shown without', async () => {
  const asked: string[][] = []
  const kernel = {
    tool: async (argv: readonly string[]) => {
      asked.push([...argv])
      return argv[0] === '/mute' ? { code: 1, stdout: '', stderr: 'what?' } : { code: 0, stdout: argv[0] === '/odd' ? 'no JSON' : '{ "hooks": [] }', stderr: '' }
    },
  }
  const runtimes = { built: { path: 'built' }, one: { path: '/one', runtimeArgs: ['--debug'] }, mute: { path: '/mute' }, odd: { path: '/odd' } }
  for (let round = 0; round < 2; round++) {
    const { built, ...others } = await withStatus(kernel, runtimes, 'built')
    assert.deepEqual(others, { one: { ...runtimes.one, status: { 'org.opencontainers.runtime-spec.features': '{"hooks":[]}' } }, mute: runtimes.mute, odd: runtimes.odd })
    assert.ok((JSON.parse(built!.status!['org.opencontainers.runtime-spec.features']!) as { mountOptions: string[] }).mountOptions.includes('rro'))
  }
  assert.deepEqual(asked, [['/one', 'features'], ['/mute', 'features'], ['/odd', 'features']])
})
