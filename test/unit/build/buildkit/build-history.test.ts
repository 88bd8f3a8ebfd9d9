import assert from 'node:assert/strict'
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { after, describe, test } from 'node:test'
import { BuildHistory, type HistoryEvent } from '../../../../src/build/buildkit/build-history.ts'
import { BuildStatus } from '../../../../src/build/buildkit/build-status.ts'
import { solveRequest, type SolveRequest } from '../../../../src/lib/buildkit/control-messages.ts'
import { GantryError } from '../../../../src/lib/errors.ts'

function request(ref: string): SolveRequest {
  return solveRequest.decode(solveRequest.encode({ ref, frontend: 'dockerfile.v0', frontendAttributes: { target: 't' }, exporters: [{ type: 'image', attributes: { name: 'n' } }] }))
}

void describe('builds that are over', () => {
  const root = mkdtempSync(path.join(tmpdir(), 'gt-history-'))
  after(() => rmSync(root, { recursive: true }))

  void test('are there after a restart, with what they told and how they ended', () => {
    const history = new BuildHistory(root)
    const seen: HistoryEvent[] = []
    const stop = history.follow((event) => seen.push(event))
    const status = new BuildStatus()
    const end = history.begin(request('../one'), status)
    status.vertex({ id: 'v', name: 'step', inputs: [], cached: true, started: 1, completed: 2 })
    status.log({ vertex: 'v', stream: 1, data: Buffer.from('said'), at: 1 })
    status.end()
    assert.deepEqual(history.list({ activeOnly: true }).map(({ record }) => record.ref), ['../one'])
    end({ response: { 'image.name': 'n' } })
    history.begin(request('two'), new BuildStatus())({ error: new GantryError('System', 'it failed') })
    stop()
    history.begin(request('three'), new BuildStatus())({})
    assert.deepEqual(seen.map(({ type, record }) => `${type} ${record.ref}`), ['0 ../one', '1 ../one', '0 two', '1 two'])
    writeFileSync(path.join(root, 'spoiled.record'), Buffer.from([0xff, 0xff, 0xff]))
    const again = new BuildHistory(root)
    const [record] = again.list({ ref: '../one' }).map((each) => each.record)
    assert.deepEqual([record?.totalSteps, record?.cachedSteps, record?.frontendAttributes['target'], record?.exporterResponse['image.name'], record?.exporters[0]?.attributes['name']], [1, 1, 't', 'n', 'n'])
    assert.equal(again.list({ ref: 'two' })[0]?.record.error?.message, 'it failed')
    assert.equal(Buffer.from(again.status('../one')![0]!.logs[0]!.data).toString(), 'said')
    assert.equal(again.status('none'), undefined)
    assert.ok(readdirSync(root).every((name) => !name.includes('..')))
  })

  void test('fifty are kept, and those that are pinned', () => {
    const history = new BuildHistory(root)
    history.update({ ref: '../one', pinned: true, delete: false })
    for (let number = 0; number < 60; number++) history.begin(request(`build ${number}`), new BuildStatus())({})
    const again = new BuildHistory(root)
    assert.equal(again.list().length, 51)
    assert.equal(again.list({ limit: 3 }).length, 3)
    assert.ok(again.list({ ref: '../one' }).length === 1)
    again.update({ ref: '../one', pinned: false, delete: true })
    assert.deepEqual([again.list({ ref: '../one' }), again.status('../one')], [[], undefined])
    assert.throws(() => again.update({ ref: '../one', pinned: false, delete: true }), /not found/)
  })
})
