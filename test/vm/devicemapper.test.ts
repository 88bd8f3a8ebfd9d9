import assert from 'node:assert/strict'
import { test } from 'node:test'
import { bundleForMachine } from './harness/bundle.ts'
import { onOneMachine } from './harness/stage.ts'

/** The suite that all storage drivers run is the unit tests' own. In a file of its own, so that it runs beside the others: it is the longest. */
onOneMachine('the suite of storage drivers on devicemapper', (stage) => {
  test('devicemapper does what every storage driver does', async () => {
    const install = await bundleForMachine('test/unit/containerd/snapshots/drivers.test.ts', 'test/unit/containerd/snapshots/crash-child.ts')
    const suite = 'node --disable-warning=ExperimentalWarning --test-reporter=spec --test-name-pattern="storage driver devicemapper" /opt/gantry/dist/drivers.test.mjs'
    const { code, stdout } = await stage.run(`modprobe dm_thin_pool && ${install} && ${suite}`, 840_000)
    assert.equal(code, 0, stdout.slice(-4000))
    assert.match(stdout, /pass [1-9]/)
    assert.doesNotMatch(stdout, /skipped [1-9]/)
  })
})
