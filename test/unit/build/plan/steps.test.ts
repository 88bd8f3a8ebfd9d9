import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { planned, stepLines, type PlanSettings } from './planned.ts'

interface Case extends PlanSettings {
  says: string
  file: string
  steps: string[]
}

const sh = (line: string): string => `run ${JSON.stringify(['/bin/sh', '-c', line])}`
const tree = { kind: 'tree', context: { root: '/other' } } as const

const cases: Case[] = [
  { says: 'an image alone', file: 'FROM base', steps: ['image base'] },
  { says: 'nothing at all', file: 'FROM scratch', steps: ['scratch'] },
  { says: 'RUN, COPY and WORKDIR in order', file: 'FROM base\nRUN a\nCOPY x /y\nWORKDIR /z', steps: ['image base', sh('a'), 'context context', 'copy x -> /y', 'directory /z'] },
  { says: 'a RUN over several lines', file: 'FROM base\nRUN a \\\n  && b', steps: ['image base', sh('a   && b')] },
  { says: 'comments inside of a RUN', file: 'FROM base\nRUN a \\\n# no\n  && b', steps: ['image base', sh('a   && b')] },
  { says: 'the escape directive', file: '# escape=`\nFROM base\nRUN a `\n b', steps: ['image base', sh('a  b')] },
  { says: 'a stage from a stage', file: 'FROM base AS a\nRUN x\nFROM a\nRUN y', steps: ['image base', sh('x'), sh('y')] },
  { says: 'a copy from a stage by name', file: 'FROM base AS a\nRUN x\nFROM scratch\nCOPY --from=a /x /', steps: ['scratch', 'image base', sh('x'), 'copy /x -> /'] },
  { says: 'a copy from a stage by index', file: 'FROM base\nRUN x\nFROM scratch\nCOPY --from=0 /x /', steps: ['scratch', 'image base', sh('x'), 'copy /x -> /'] },
  { says: 'a copy from an image', file: 'FROM scratch\nCOPY --from=base /x /', steps: ['scratch', 'image base', 'copy /x -> /'] },
  { says: 'stages that nobody needs are left out', file: 'FROM base AS a\nRUN x\nFROM missing AS b\nRUN y\nFROM a\nRUN z', steps: ['image base', sh('x'), sh('z')] },
  { says: 'a target in the middle', file: 'FROM base AS a\nRUN x\nFROM a AS b\nRUN y', target: 'a', steps: ['image base', sh('x')] },
  { says: 'a target by its index', file: 'FROM base AS a\nRUN x\nFROM a AS b\nRUN y', target: '0', steps: ['image base', sh('x')] },
  { says: 'names of stages without regard to case', file: 'FROM base AS Build\nRUN x\nFROM BUILD\nRUN y', steps: ['image base', sh('x'), sh('y')] },
  { says: 'the later of two stages with one name', file: 'FROM base AS a\nRUN x\nFROM base AS a\nRUN y\nFROM a', steps: ['image base', sh('y')] },
  { says: 'a shared stage once', file: 'FROM base AS a\nRUN x\nFROM a AS b\nRUN y\nFROM a AS c\nRUN z\nFROM scratch\nCOPY --from=b /b /\nCOPY --from=c /c /', steps: ['scratch', 'image base', sh('x'), sh('y'), 'copy /b -> /', sh('z'), 'copy /c -> /'] },
  { says: 'an argument in FROM', file: 'ARG I=base\nFROM $I', steps: ['image base'] },
  { says: 'an argument in FROM from the request', file: 'ARG I=none\nFROM ${I}', buildArgs: { I: 'base' }, steps: ['image base'] },
  { says: 'a stage named by an argument', file: 'ARG S=two\nFROM base AS one\nRUN 1\nFROM base AS two\nRUN 2\nFROM $S', steps: ['image base', sh('2')] },
  { says: 'a platform argument in FROM', file: 'FROM --platform=$BUILDPLATFORM base', steps: ['image base'] },
  { says: 'a trigger that copies', file: 'FROM base\nRUN x', images: { base: { OnBuild: ['COPY a /b', 'RUN t'] } }, steps: ['image base', 'context context', 'copy a -> /b', sh('t'), sh('x')] },
  { says: 'a trigger of a stage', file: 'FROM base AS a\nONBUILD RUN t\nFROM a\nRUN x', steps: ['image base', sh('t'), sh('x')] },
  { says: 'several sources into a directory', file: 'FROM base\nCOPY a b c/', steps: ['image base', 'context context', 'copy a b -> /c/'] },
  { says: 'a JSON form with blanks', file: 'FROM base\nCOPY ["a b", "/c d"]', steps: ['image base', 'context context', 'copy a b -> /c d'] },
  { says: 'a destination relative to WORKDIR', file: 'FROM base\nWORKDIR /w\nCOPY a b/c', steps: ['image base', 'directory /w', 'context context', 'copy a -> /w/b/c'] },
  { says: 'a destination "."', file: 'FROM base\nWORKDIR /w\nCOPY a .', steps: ['image base', 'directory /w', 'context context', 'copy a -> /w/'] },
  { says: 'a destination "./"', file: 'FROM base\nCOPY a ./', steps: ['image base', 'context context', 'copy a -> /'] },
  { says: 'variables in sources and destination', file: 'FROM base\nARG A=x\nENV D=/y\nCOPY $A.txt ${D}/', steps: ['image base', 'context context', 'copy x.txt -> /y/'] },
  { says: 'ADD of a URL', file: 'FROM base\nADD https://example.com/a.tar /a', steps: ['image base', 'copy https://example.com/a.tar -> /a'] },
  { says: 'ADD of a repository', file: 'FROM base\nADD https://example.com/r.git#main:sub /r', steps: ['image base', 'copy https://example.com/r.git -> /r'] },
  { says: 'a heredoc as a file', file: 'FROM base\nCOPY <<a.txt /x/\nhello\na.txt', steps: ['image base', 'copy <<a.txt -> /x/'] },
  { says: 'two heredocs and a file', file: 'FROM base\nCOPY f <<A <<B /x/\na\nA\nb\nB', steps: ['image base', 'context context', 'copy f <<A <<B -> /x/'] },
  { says: 'a heredoc as a script', file: 'FROM base\nRUN <<EOF\na\nb\nEOF', steps: ['image base', sh('a\nb\n')] },
  { says: 'a heredoc for a command', file: 'FROM base\nRUN cat <<EOF\na\nEOF', steps: ['image base', sh('cat <<EOF\na\nEOF\n')] },
  { says: 'a heredoc with an interpreter', file: 'FROM base\nRUN <<EOF\n#!/usr/bin/env python\nx\nEOF', steps: ['image base', 'run ["/dev/pipes/EOF"]'] },
  { says: 'another shell', file: 'FROM base\nSHELL ["/b", "-x"]\nRUN a', steps: ['image base', 'run ["/b","-x","a"]'] },
  { says: 'exec form', file: 'FROM base\nRUN ["a", "b c"]', steps: ['image base', 'run ["a","b c"]'] },
  { says: 'no context', file: 'FROM base\nCOPY a /', context: undefined, steps: ['image base', 'scratch', 'copy a -> /'] },
  { says: 'a named context in COPY', file: 'FROM base\nCOPY --from=src a /', namedContexts: new Map([['src', tree]]), steps: ['image base', 'context src', 'copy a -> /'] },
  { says: 'a named context instead of an image', file: 'FROM base\nRUN a', namedContexts: new Map([['base', { kind: 'image', reference: 'mine' }]]), images: { mine: {} }, steps: ['image mine', sh('a')] },
  { says: 'a named context instead of a stage', file: 'FROM missing AS a\nRUN x\nFROM scratch\nCOPY --from=a /x /', namedContexts: new Map([['a', tree]]), steps: ['scratch', 'context a', 'copy /x -> /'] },
  { says: 'a mount from a stage', file: 'FROM base AS a\nRUN x\nFROM base\nRUN --mount=from=a,target=/a y', steps: ['image base', 'image base', sh('x'), sh('y')] },
]

void describe('the steps that a Dockerfile comes to', () => {
  for (const { says, file, steps, ...settings } of cases) {
    void test(says, async () => assert.deepEqual(stepLines((await planned(file, settings)).root), steps))
  }

  void test('steps are counted as BuildKit does', async () => {
    const names: string[] = []
    const plan = await planned('FROM base AS one\nENV A=1\nRUN a\nFROM base\nCOPY --from=one /x /y\nRUN b')
    for (let step = plan.root; ; step = step.parent) {
      names.unshift(step.name)
      if (!('parent' in step)) break
    }
    assert.deepEqual(names, ['[stage-1 1/3] FROM docker.io/library/base:latest', '[stage-1 2/3] COPY --from=one /x /y', '[stage-1 3/3] RUN b'])
  })

  void test('a single stage without a name has none in its steps', async () => {
    assert.equal((await planned('FROM base\nRUN a')).root.name, '[2/2] RUN a')
  })

  const titles: [file: string, title: string][] = [
    ['FROM base\nRUN --mount=type=tmpfs,target=/t a', '[stage-0 2/2] RUN --mount=type=tmpfs,target=/t a'],
    ['FROM base\nCOPY --from=base /x /y', '[stage-0 2/2] COPY --from=base /x /y'],
    ['FROM base\nENV A=1\nRUN echo $A ${B-none} "c"', '[2/2] RUN echo 1 ${B-none} "c"'],
    ['FROM base\nRUN ["a", "b"]', '[2/2] RUN ["a", "b"]'],
    ['FROM base\nRUN <<E\na\nb\nE', '[2/2] RUN <<E (a...)'],
    ['FROM base\nRUN cat <<E\na\nE', '[2/2] RUN cat <<E'],
    ['FROM base\nWORKDIR /a\nWORKDIR b', '[3/3] WORKDIR b'],
    ['FROM base AS a\nONBUILD RUN t\nFROM a', 'RUN t'],
  ]
  for (const [file, title] of titles) void test(`${JSON.stringify(file)} is shown as ${title}`, async () => assert.equal((await planned(file)).root.name, title))

  void test('a WORKDIR belongs to the user that is set', async () => {
    assert.equal((await planned('FROM base\nUSER 5:6\nWORKDIR /a') as { root: { chown?: string } }).root.chown, '5:6')
  })

  void test('only named stages lose their cache', async () => {
    const { root } = await planned('FROM base AS a\nRUN x\nFROM a AS b\nRUN y', { noCache: ['b'] })
    assert.deepEqual([root.ignoreCache, 'parent' in root && root.parent.ignoreCache], [true, false])
  })

  void test('stages that are needed are told', async () => {
    assert.deepEqual((await planned('FROM base AS a\nFROM base AS b\nFROM a')).stages, [0, 2])
  })
})
