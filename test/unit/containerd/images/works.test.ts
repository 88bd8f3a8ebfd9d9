import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Works } from '../../../../src/containerd/images/works.ts'

/** Lets everything that can go on do so. */
const turn = () => new Promise<void>((resolve) => void setImmediate(resolve))

void test('what must have the store alone waits for what is under way, and what comes meanwhile waits for it', async () => {
  const works = new Works()
  const said: string[] = []
  const end = await works.begin()
  const { promise, resolve: leave } = Promise.withResolvers<void>()
  const alone = works.alone(async () => {
    said.push('alone')
    await promise
    said.push('left')
  })
  await turn()
  // The pull of a build that is under way.
  const inner = await works.begin()
  inner()
  await turn()
  assert.equal(said.join(' '), '')
  end()
  await turn()
  assert.equal(said.join(' '), 'alone')
  const late = works.begin().then((endLate) => {
    said.push('late')
    endLate()
  })
  await turn()
  leave()
  await Promise.all([alone, late])
  assert.equal(said.join(' '), 'alone left late')
  assert.equal(works.running, 0)
})

void test('a failure lets the others go on', async () => {
  const works = new Works()
  await assert.rejects(works.alone(async () => { throw new Error('no') }), /no/)
  const end = await works.begin()
  end()
  assert.equal(await works.alone(async () => 'again'), 'again')
})
