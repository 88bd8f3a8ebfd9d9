import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { last, planned, type PlanSettings } from './planned.ts'

interface Case extends PlanSettings {
  says: string
  file: string
  env: string[]
}

/** The environment of the last RUN. */
const cases: Case[] = [
  { says: 'an argument has its default', file: 'FROM base\nARG A=1\nRUN x', env: ['A=1'] },
  { says: 'an argument has what the request says', file: 'FROM base\nARG A=1\nRUN x', buildArgs: { A: '2' }, env: ['A=2'] },
  { says: 'an argument that is not declared is not there', file: 'FROM base\nRUN x', buildArgs: { A: '2' }, env: [] },
  { says: 'an argument without a value is not there', file: 'FROM base\nARG A\nRUN x', env: [] },
  { says: 'an argument may be empty', file: 'FROM base\nARG A=\nRUN x', env: ['A='] },
  { says: 'the environment wins over an argument', file: 'FROM base\nARG A=1\nENV A=2\nRUN x', buildArgs: { A: '3' }, env: ['A=2'] },
  { says: 'an argument counts from its line on', file: 'FROM base\nENV B=$A\nARG A=1\nENV C=$A\nRUN x', env: ['B=', 'C=1', 'A=1'] },
  { says: 'a global argument is not in a stage', file: 'ARG A=1\nFROM base\nRUN x', env: [] },
  { says: 'a global argument is taken into a stage', file: 'ARG A=1\nFROM base\nARG A\nRUN x', env: ['A=1'] },
  { says: 'a default of the stage wins over the global one', file: 'ARG A=1\nFROM base\nARG A=2\nRUN x', env: ['A=2'] },
  { says: 'a global argument from the request', file: 'ARG A=1\nFROM base\nARG A\nRUN x', buildArgs: { A: '3' }, env: ['A=3'] },
  { says: 'a global argument may use another', file: 'ARG A=1\nARG B=$A.2\nFROM base\nARG B\nRUN x', env: ['B=1.2'] },
  { says: 'arguments go on to a stage that stands on theirs', file: 'FROM base AS a\nARG A=1\nRUN x\nFROM a\nRUN y', env: ['A=1'] },
  { says: 'arguments end with their stage otherwise', file: 'FROM base AS a\nARG A=1\nRUN x\nFROM base\nCOPY --from=a /x /\nRUN y', env: [] },
  { says: 'environment goes on to the next stage', file: 'FROM base AS a\nARG A=1\nENV E=$A\nFROM a\nRUN y', env: ['E=1', 'A=1'] },
  { says: 'several arguments on a line', file: 'FROM base\nARG A=1 B=2\nRUN x', env: ['A=1', 'B=2'] },
  { says: 'arguments of a line do not see each other', file: 'FROM base\nARG A=1 B=$A C=${B:-3}\nRUN x', env: ['A=1', 'B=', 'C=3'] },
  { says: 'an argument that is declared once more keeps its value', file: 'FROM base\nARG A=1\nARG A\nRUN x', env: ['A=1'] },
  { says: 'platform arguments have to be declared', file: 'FROM base\nARG TARGETPLATFORM\nARG BUILDARCH\nRUN x', env: ['TARGETPLATFORM=linux/amd64', 'BUILDARCH=amd64'] },
  { says: 'platform arguments may be overruled', file: 'FROM base\nARG TARGETARCH\nRUN x', buildArgs: { TARGETARCH: 'z80' }, env: ['TARGETARCH=z80'] },
  { says: 'TARGETSTAGE names the target', file: 'FROM base AS a\nARG TARGETSTAGE\nRUN x', target: 'a', env: ['TARGETSTAGE=a'] },
  { says: 'an argument may use the environment', file: 'FROM base\nENV E=1\nARG A=${E}2\nRUN x', env: ['E=1', 'A=12'] },
  { says: 'the environment of the image is there', file: 'FROM base\nRUN x', images: { base: { Env: ['I=1'] } }, env: ['I=1'] },
]

void describe('arguments and environment of RUN', () => {
  for (const { says, file, env, ...settings } of cases) {
    void test(says, async () => assert.deepEqual(last(await planned(file, settings), 'run').env, env))
  }

  void test('a proxy needs no declaration, and is neither in history nor in the key', async () => {
    const plan = await planned('FROM base\nRUN x', { buildArgs: { HTTP_PROXY: 'http://user:secret@proxy' } })
    const { env, proxy } = last(plan, 'run')
    assert.deepEqual([env, proxy], [[], ['HTTP_PROXY=http://user:secret@proxy', 'http_proxy=http://user:secret@proxy']])
    assert.doesNotMatch(JSON.stringify(plan.history.map(({ created_by }) => created_by)), /secret/)
  })

  const shown: [says: string, file: string, texts: string[]][] = [
    ['every argument of the stage, also those without a value and those that ENV hides', 'FROM base\nARG A=1\nARG B\nENV A=2\nRUN x', ['RUN |2 A=2 B= /bin/sh -c x # buildkit']],
    ['none of the stage below', 'FROM base AS a\nARG A=1\nRUN x\nFROM a\nRUN y', ['RUN |1 A=1 /bin/sh -c x # buildkit', 'RUN /bin/sh -c y # buildkit']],
    ['a script in full', 'FROM base\nRUN <<E\necho 1\necho 2\nE', ['RUN /bin/sh -c echo 1\necho 2\n # buildkit']],
  ]
  for (const [says, file, texts] of shown) {
    void test(`history shows ${says}`, async () => assert.deepEqual((await planned(file)).history.flatMap(({ created_by }) => (created_by.startsWith('RUN') ? created_by : [])), texts))
  }
})
