import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { imageDocument } from '../../../../src/build/export/image-document.ts'
import { planned } from '../plan/planned.ts'

const made = Date.parse('2024-05-06T07:08:09.123Z')

async function documentOf(text: string, { epoch, times = {} }: { epoch?: number; times?: Record<string, number> } = {}): Promise<Record<string, unknown>> {
  const plan = await planned(text)
  return imageDocument({ plan, diffIds: [], created: ({ step, created_by }) => step && (times[created_by] ?? made), ownLayers: 0, sourceDateEpoch: epoch })
}

void describe('the configuration document of a built image', () => {
  void test('has its keys in order, and of the configuration only what is set', async () => {
    const document = await documentOf('FROM scratch\nCMD ["/x"]\nLABEL b=1 a=2\nUSER me')
    assert.deepEqual(Object.keys(document), ['architecture', 'config', 'created', 'history', 'os', 'rootfs'])
    assert.equal(JSON.stringify(document['config']), '{"User":"me","Env":["PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"],"Cmd":["/x"],"WorkingDir":"/","Labels":{"a":"2","b":"1"},"ArgsEscaped":true}')
  })

  void test('gives what has no layer the time of the layer before, or of the first', async () => {
    const later = made + 1000
    const { history, created } = await documentOf('FROM scratch\nENV A=1\nRUN ["a"]\nENV B=1\nRUN ["b"]\nENV C=1', { times: { 'RUN b # buildkit': later } })
    const [first, second] = [new Date(made).toISOString(), new Date(later).toISOString()]
    assert.deepEqual((history as { created: string }[]).map((entry) => entry.created), [first, first, first, second, second])
    assert.equal(created, second)
  })

  void test('has no time after SOURCE_DATE_EPOCH', async () => {
    const { history, created } = await documentOf('FROM scratch\nRUN ["a"]', { epoch: 1_600_000_000 })
    assert.deepEqual([created, (history as { created: string }[])[0]?.created], ['2020-09-13T12:26:40Z', '2020-09-13T12:26:40Z'])
  })

  void test('tells layers from what has none', async () => {
    const { history } = await documentOf('FROM scratch\nENV A=1\nRUN ["a"]\nWORKDIR /w')
    assert.deepEqual((history as { empty_layer?: true }[]).map(({ empty_layer }) => empty_layer), [true, undefined, undefined])
  })
})
