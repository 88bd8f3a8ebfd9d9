import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import path from 'node:path'
import { after, before, describe, test } from 'node:test'
import { compare } from './comparison/compare.ts'
import { invocations as first } from './comparison/invocations.ts'
import { moreInvocations } from './comparison/more-invocations.ts'
import { makeClient } from './harness/client.ts'
import { type Engine, startEngine } from './harness/engine.ts'
import { olderDockerClient } from './harness/docker-client.ts'
import { provideImages, tiny } from './harness/image.ts'
import { findProgram, projectRoot } from './harness/program.ts'
import { run } from './harness/run.ts'

const invocations = [...first, ...moreInvocations]

/** The release that docs/compatibility.md compares with. */
const compared = '20.10'
const original = findProgram('dockerd')
const version = original === undefined ? '' : (await run([original, '--version'])).stdout
// Of an older client, other words of its own come in between.
const skip = olderDockerClient(28) || (!version.includes(` ${compared}.`) && `there is no dockerd ${compared} here`)

void describe('the stock client against the original and against Gantry', { concurrency: false, skip }, () => {
  const engines: Engine[] = []

  before(async () => {
    for (const kind of ['dockerd', 'gantryd'] as const) {
      const engine = await startEngine({ kind })
      engines.push(engine)
      await provideImages(makeClient('docker', engine), [tiny])
    }
  })
  after(async () => {
    for (const engine of engines) {
      const client = makeClient('docker', engine)
      const left = (await client.ok('ps', '-aq')).split('\n').filter((id) => id !== '')
      if (left.length > 0) await client.ok('rm', '-f', ...left)
      await engine.shutDown()
      await engine.remove()
    }
  })

  void test(`${invocations.length} command lines answer the same, but for what docs/compatibility.md tells`, async () => {
    const documented = documentedLines(readFileSync(path.join(projectRoot, 'docs/compatibility.md'), 'utf8'))
    const [theirs, ours] = engines.map((engine) => makeClient('docker', engine))
    const differences = await compare(theirs!, ours!, invocations)
    const surprising = differences.filter(({ invocation }) => !documented.has(invocation))
    assert.deepEqual(surprising, [])
    const unknown = [...documented].filter((line) => !invocations.includes(line))
    assert.deepEqual(unknown, [], 'documented lines that nobody runs')
  })
})

/** Of the table of command lines alone; the page has others. */
function documentedLines(page: string): Set<string> {
  const table = /^\| command line \|[\s\S]*?(?=\n\n|$(?![\s\S]))/m.exec(page)?.[0] ?? ''
  return new Set([...table.matchAll(/^\| `(.+?)` \|/gm)].map(([, line = '']) => line.replaceAll(String.raw`\|`, '|')))
}
