import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { parseDockerfile } from '../../../../src/build/dockerfile/dockerfile.ts'
import { DockerfileError } from '../../../../src/build/dockerfile/dockerfile-error.ts'
import type { CopyInstruction, Instruction, RunInstruction } from '../../../../src/build/dockerfile/instruction.ts'

const first = (text: string): Instruction => parseDockerfile(`FROM scratch\n${text}`).stages[0]!.instructions[0]!
const shell = (text: string) => {
  const { command } = first(text) as RunInstruction
  return command.form === 'shell' ? command.line : command.words
}

void test('continuation lines are joined, comments and empty lines inside left out', () => {
  assert.equal(shell('RUN echo a \\\n  # comment\n\n  && echo b \\  \n  && echo c'), 'echo a   && echo b   && echo c')
  assert.equal(parseDockerfile('# escape=`\nFROM scratch\nRUN a `\n b').stages[0]!.instructions.length, 1)
})

void test('directives count at the top alone', () => {
  const { directives } = parseDockerfile('# syntax=docker/dockerfile:1\n#check=skip=all\n# escape=`\n# note\n# syntax=x\nFROM a')
  assert.deepEqual(directives.map(({ name, value }) => [name, value]), [['syntax', 'docker/dockerfile:1'], ['check', 'skip=all'], ['escape', '`']])
  assert.deepEqual(parseDockerfile('# comment\n# escape=`\nFROM a').escape, '\\')
  assert.throws(() => parseDockerfile('# escape=x\nFROM a'), /invalid escape token 'x'/)
  assert.throws(() => parseDockerfile('# escape=`\n# escape=`\nFROM a'), /only one escape parser directive can be used/)
})

void test('heredocs belong to the instruction that opens them', () => {
  const run = first('RUN <<EOF\necho a\n  echo $b\nEOF') as RunInstruction
  assert.deepEqual(run.heredocs, [{ name: 'EOF', expand: true, chomp: false, descriptor: 0, content: 'echo a\n  echo $b\n' }])
  assert.deepEqual([run.start, run.end], [2, 5])
  const copy = first("COPY <<-'one' <<two /dst/\n\tx\n\tone\ny\ntwo") as CopyInstruction
  assert.deepEqual(copy.heredocs.map(({ name, expand, content }) => [name, expand, content]), [['one', false, 'x\n'], ['two', true, 'y\n']])
  assert.deepEqual([copy.sources, copy.destination], [[], '/dst/'])
  assert.throws(() => first('RUN <<EOF\nno end'), /line 2: unterminated heredoc/)
  assert.deepEqual((first('RUN cat <<< word') as RunInstruction).heredocs, [])
})

void test('each instruction is read with its flags', () => {
  assert.deepEqual(shell('RUN ["a", "b c"]'), ['a', 'b c'])
  assert.deepEqual(shell("RUN ['a']"), "['a']")
  const run = first('RUN --mount=type=cache,target=/c --mount=type=tmpfs,target=/t --network=none --security=sandbox make') as RunInstruction
  assert.deepEqual([run.mounts, run.network, run.security], [['type=cache,target=/c', 'type=tmpfs,target=/t'], 'none', 'sandbox'])
  const copy = first('COPY --from=build --chown=1:2 --chmod=755 --link --exclude=*.md --exclude=x a b /c/') as CopyInstruction
  assert.deepEqual([copy.from, copy.chown, copy.chmod, copy.link, copy.excludes, copy.sources, copy.destination], ['build', '1:2', '755', true, ['*.md', 'x'], ['a', 'b'], '/c/'])
  assert.deepEqual((first('ADD --checksum=sha256:00 --keep-git-dir=false --unpack=true u /d') as CopyInstruction).unpack, true)
  assert.deepEqual(first('ENV a=b "c d"=e f="g h"'), { kind: 'env', pairs: [{ name: 'a', value: 'b' }, { name: '"c d"', value: 'e' }, { name: 'f', value: '"g h"' }], legacy: false, start: 2, end: 2, original: 'ENV a=b "c d"=e f="g h"' })
  assert.deepEqual(first('ENV a b  c').kind === 'env' && (first('ENV a b  c') as { pairs: unknown }).pairs, [{ name: 'a', value: 'b  c' }])
  const health = first('HEALTHCHECK --interval=1m30s --retries=3 CMD curl -f x')
  assert.ok(health.kind === 'healthcheck' && health.check?.interval === 90e9 && health.check.retries === 3)
  assert.deepEqual(first('HEALTHCHECK NONE').kind, 'healthcheck')
  assert.deepEqual((first('VOLUME ["/a", "/b"]') as { values: string[] }).values, ['/a', '/b'])
})

void test('stages have names, or their index', () => {
  const { stages, globalArgs } = parseDockerfile('ARG V=1\nFROM --platform=$BUILDPLATFORM a:$V AS Base\nFROM base\nRUN x')
  assert.deepEqual(stages.map(({ name }) => name), ['base', '1'])
  assert.deepEqual(stages[0]!.from.platform, '$BUILDPLATFORM')
  assert.deepEqual(globalArgs[0]!.args, [{ name: 'V', value: '1' }])
})

void test('what is wrong is told with its line', () => {
  const cases: [string, RegExp][] = [
    ['', /file with no instructions/],
    ['ARG a', /contains no stages/],
    ['RUN x', /line 1: no build stage in current context/],
    ['FROM a\nFRO b', /line 2: unknown instruction: FRO \(did you mean FROM\?\)/],
    ['FROM a b', /line 1: FROM requires either one or three arguments/],
    ['FROM a as 1b', /invalid name for build stage: "1b"/],
    ['FROM a\n\nCOPY x', /line 3: COPY requires at least two arguments, but only one was provided. Destination could not be determined/],
    ['FROM a\nCOPY --form=b c d', /line 2: unknown flag: form \(did you mean from\?\)/],
    ['FROM a\nCOPY --link=maybe b c', /expecting boolean value for flag link/],
    ['FROM a\nENV', /ENV requires at least one argument/],
    ['FROM a\nENV a', /ENV must have two arguments/],
    ['FROM a\nENV a=b c', /can't find = in "c". Must be of the form: name=value/],
    ['FROM a\nONBUILD FROM b', /FROM isn't allowed as an ONBUILD trigger/],
    ['FROM a\nSHELL sh -c', /SHELL requires the arguments to be in JSON form/],
    ['FROM a\nHEALTHCHECK WRONG', /unknown type "WRONG" in HEALTHCHECK \(try CMD\)/],
    ['FROM a\nHEALTHCHECK --interval=1 CMD x', /time: invalid duration "1"/],
  ]
  for (const [text, reason] of cases) assert.throws(() => parseDockerfile(text), reason, text)
})

void test('any text is parsed or refused with a Dockerfile error', () => {
  const line = fc.oneof(
    fc.constantFrom('FROM a', 'RUN <<E', 'E', 'COPY a b', 'ENV a=b', '# x', '\\', '', 'HEALTHCHECK', 'ONBUILD RUN', 'LABEL', 'SHELL ["a"]'),
    fc.string({ maxLength: 30 }),
  )
  fc.assert(
    fc.property(fc.array(line, { maxLength: 12 }), (lines) => {
      try {
        return parseDockerfile(lines.join('\n')).stages.length > 0
      } catch (error) {
        return error instanceof DockerfileError
      }
    }),
    { numRuns: 2000 },
  )
})
