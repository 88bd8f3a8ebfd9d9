import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { DockerfileError } from '../../../../src/build/dockerfile/dockerfile-error.ts'
import { parseDockerfile } from '../../../../src/build/dockerfile/dockerfile.ts'
import { expandWord, expandWords } from '../../../../src/build/dockerfile/expand.ts'
import type { Instruction } from '../../../../src/build/dockerfile/instruction.ts'
import { keywords, parseLine } from '../../../../src/build/dockerfile/parse-instruction.ts'

const refused: [text: string, message: string][] = [
  ['', 'file with no instructions'],
  ['# only a comment\n', 'file with no instructions'],
  ['ARG a=1', 'dockerfile contains no stages to build'],
  ['RUN x', 'dockerfile parse error on line 1: no build stage in current context'],
  ['ARG a\nRUN x\nFROM b', 'dockerfile parse error on line 2: no build stage in current context'],
  ['FROM', 'dockerfile parse error on line 1: FROM requires either one or three arguments'],
  ['FROM a b', 'dockerfile parse error on line 1: FROM requires either one or three arguments'],
  ['FROM a as', 'dockerfile parse error on line 1: FROM requires either one or three arguments'],
  ['FROM a as b c', 'dockerfile parse error on line 1: FROM requires either one or three arguments'],
  ['FROM a AS 1b', 'dockerfile parse error on line 1: invalid name for build stage: "1b", name can\'t start with a number or contain symbols'],
  ['FROM a AS b/c', 'dockerfile parse error on line 1: invalid name for build stage: "b/c", name can\'t start with a number or contain symbols'],
  ['FROM --platfrom=x a', 'dockerfile parse error on line 1: unknown flag: platfrom (did you mean platform?)'],
  ['FROM a\nRNU x', 'dockerfile parse error on line 2: unknown instruction: RNU (did you mean ENV?)'],
  ['FROM a\n\n\nfoo x', 'dockerfile parse error on line 4: unknown instruction: foo (did you mean FROM?)'],
  ['FROM a\nBADCMD', 'dockerfile parse error on line 2: unknown instruction: BADCMD'],
  ['FROM a\nRUN', 'dockerfile parse error on line 2: RUN requires at least one argument'],
  ['FROM a\nRUN --mount x', 'dockerfile parse error on line 2: missing a value on flag: --mount'],
  ['FROM a\nRUN --network=none --network=host x', 'dockerfile parse error on line 2: duplicate flag specified: --network'],
  ['FROM a\nCOPY x', 'dockerfile parse error on line 2: COPY requires at least two arguments, but only one was provided. Destination could not be determined'],
  ['FROM a\nADD', 'dockerfile parse error on line 2: ADD requires at least two arguments, but only one was provided. Destination could not be determined'],
  ['FROM a\nCOPY --form=b c d', 'dockerfile parse error on line 2: unknown flag: form (did you mean from?)'],
  ['FROM a\nCOPY --link=maybe c d', 'dockerfile parse error on line 2: expecting boolean value for flag link of COPY, not: maybe'],
  ['FROM a\nADD --from=b c d', 'dockerfile parse error on line 2: unknown flag: from'],
  ['FROM a\nENV', 'dockerfile parse error on line 2: ENV requires at least one argument'],
  ['FROM a\nENV x', 'dockerfile parse error on line 2: ENV must have two arguments'],
  ['FROM a\nENV =x', 'dockerfile parse error on line 2: ENV names can not be blank'],
  ['FROM a\nENV a=b c', 'dockerfile parse error on line 2: Syntax error - can\'t find = in "c". Must be of the form: name=value'],
  ['FROM a\nLABEL', 'dockerfile parse error on line 2: LABEL requires at least one argument'],
  ['FROM a\nARG', 'dockerfile parse error on line 2: ARG requires at least one argument'],
  ['FROM a\nARG =1', 'dockerfile parse error on line 2: ARG names can not be blank'],
  ['FROM a\nWORKDIR', 'dockerfile parse error on line 2: WORKDIR requires exactly one argument'],
  ['FROM a\nUSER', 'dockerfile parse error on line 2: USER requires exactly one argument'],
  ['FROM a\nSTOPSIGNAL', 'dockerfile parse error on line 2: STOPSIGNAL requires exactly one argument'],
  ['FROM a\nEXPOSE', 'dockerfile parse error on line 2: EXPOSE requires at least one argument'],
  ['FROM a\nVOLUME', 'dockerfile parse error on line 2: VOLUME requires at least one argument'],
  ['FROM a\nVOLUME [""]', 'dockerfile parse error on line 2: VOLUME specified can not be an empty string'],
  ['FROM a\nENTRYPOINT', 'dockerfile parse error on line 2: ENTRYPOINT requires at least one argument'],
  ['FROM a\nSHELL /bin/sh', 'dockerfile parse error on line 2: SHELL requires the arguments to be in JSON form'],
  ['FROM a\nSHELL []', 'dockerfile parse error on line 2: SHELL requires the arguments to be in JSON form'],
  ['FROM a\nHEALTHCHECK', 'dockerfile parse error on line 2: HEALTHCHECK requires at least one argument'],
  ['FROM a\nHEALTHCHECK CMD', 'dockerfile parse error on line 2: missing command after HEALTHCHECK CMD'],
  ['FROM a\nHEALTHCHECK NONE x', 'dockerfile parse error on line 2: HEALTHCHECK NONE takes no arguments'],
  ['FROM a\nHEALTHCHECK TCP 80', 'dockerfile parse error on line 2: unknown type "TCP" in HEALTHCHECK (try CMD)'],
  ['FROM a\nHEALTHCHECK --interval=1x CMD y', 'dockerfile parse error on line 2: time: invalid duration "1x"'],
  ['FROM a\nHEALTHCHECK --interval=1us CMD y', 'dockerfile parse error on line 2: interval "interval" cannot be less than 1ms'],
  ['FROM a\nONBUILD', 'dockerfile parse error on line 2: ONBUILD requires at least one argument'],
  ['FROM a\nONBUILD ONBUILD RUN x', 'dockerfile parse error on line 2: Chaining ONBUILD via `ONBUILD ONBUILD` isn\'t allowed'],
  ['FROM a\nONBUILD FROM b', "dockerfile parse error on line 2: FROM isn't allowed as an ONBUILD trigger"],
  ['FROM a\nONBUILD maintainer b', "dockerfile parse error on line 2: MAINTAINER isn't allowed as an ONBUILD trigger"],
  ['FROM a\nRUN <<EOF\nx', 'dockerfile parse error on line 2: unterminated heredoc'],
  ['# escape=!\nFROM a', "dockerfile parse error on line 1: invalid escape token '!' does not match ` or \\"],
  ['# syntax=a\n# syntax=b\nFROM a', 'dockerfile parse error on line 2: only one syntax parser directive can be used'],
]
for (const [text, message] of refused) {
  void test(`${JSON.stringify(text)} is refused`, () => {
    assert.throws(() => parseDockerfile(text), (error) => error instanceof DockerfileError && error.message === message || assert.fail(String(error)))
  })
}

const first = (text: string): Instruction => parseDockerfile(`FROM scratch\n${text}`).stages[0]!.instructions[0]!

const read: [text: string, expected: object][] = [
  ['RUN a \\\n  b', { command: { form: 'shell', line: 'a   b' }, start: 2, end: 3 }],
  ['RUN a\\\nb', { command: { form: 'shell', line: 'ab' } }],
  ['RUN a \\  \nb', { command: { form: 'shell', line: 'a b' } }],
  ['RUN a \\\\\n', { command: { form: 'shell', line: 'a \\\\' }, end: 2 }],
  ['RUN a \\\n# note\n  # more\nb', { command: { form: 'shell', line: 'a b' }, end: 5 }],
  ['RUN a # no comment', { command: { form: 'shell', line: 'a # no comment' } }],
  ['RUN a \\', { command: { form: 'shell', line: 'a' } }],
  ['  run   a', { command: { form: 'shell', line: 'a' } }],
  ['RUN\ta', { command: { form: 'shell', line: 'a' } }],
  ['RUN a\r', { command: { form: 'shell', line: 'a' } }],
  ['RUN [ "a" , "b" ]', { command: { form: 'exec', words: ['a', 'b'] } }],
  ['RUN ["a", 1]', { command: { form: 'shell', line: '["a", 1]' } }],
  ['RUN ["a"', { command: { form: 'shell', line: '["a"' } }],
  ['RUN [ -f x ]', { command: { form: 'shell', line: '[ -f x ]' } }],
  ['RUN ["a", \\\n"b"]', { command: { form: 'exec', words: ['a', 'b'] } }],
  ['CMD', { command: { form: 'shell', line: '' } }],
  ['CMD []', { command: { form: 'exec', words: [] } }],
  ['RUN --mount=type=secret,id=a --security=insecure b --c', { command: { form: 'shell', line: 'b --c' }, mounts: ['type=secret,id=a'], security: 'insecure' }],
  ['RUN --mount="type=cache,target=/a b" c', { mounts: ['type=cache,target=/a b'] }],
  ['RUN -- --network=x', { command: { form: 'shell', line: '--network=x' }, network: undefined }],
  ['RUN cat <<EOF\na\nEOF', { command: { form: 'shell', line: 'cat <<EOF' }, end: 4 }],
  ['RUN <<EOF\n# a comment\n\nb \\\nc\nEOF', { heredocs: [{ name: 'EOF', expand: true, chomp: false, descriptor: 0, content: '# a comment\n\nb \\\nc\n' }] }],
  ['COPY <<E /x\r\na\r\nE\r', { heredocs: [{ name: 'E', expand: true, chomp: false, descriptor: 0, content: 'a\r\n' }], destination: '/x' }],
  ['RUN echo "<<EOF"', { heredocs: [] }],
  ['RUN echo $((1<<2))', { heredocs: [] }],
  ['COPY <<"EOF" /x\n$a\nEOF', { heredocs: [{ name: 'EOF', expand: false, chomp: false, descriptor: 0, content: '$a\n' }], destination: '/x' }],
  ['COPY ["a b", "/c d/"]', { sources: ['a b'], destination: '/c d/' }],
  ['COPY a\\ b /c', { sources: ['a\\ b'], destination: '/c' }],
  ['COPY "a b" c /d/', { sources: ['"a b"', 'c'], destination: '/d/' }],
  ['COPY --parents --exclude=a --exclude="b c" x y/', { parents: true, excludes: ['a', 'b c'] }],
  ['ADD --unpack=false --checksum=sha256:1 a b', { unpack: false, checksum: 'sha256:1' }],
  ['ENV a=b c=d\\ e f="g h"', { pairs: [{ name: 'a', value: 'b' }, { name: 'c', value: 'd\\ e' }, { name: 'f', value: '"g h"' }] }],
  ['ENV a b=c', { pairs: [{ name: 'a', value: 'b=c' }], legacy: true }],
  ['LABEL "a.b"="c" d=', { pairs: [{ name: '"a.b"', value: '"c"' }, { name: 'd', value: '' }] }],
  ['ARG a b=c d="e f"', { args: [{ name: 'a' }, { name: 'b', value: 'c' }, { name: 'd', value: '"e f"' }] }],
  ['WORKDIR /a b', { value: '/a b' }],
  ['EXPOSE 80 81/udp 82-84', { values: ['80', '81/udp', '82-84'] }],
  ['VOLUME /a /b', { values: ['/a', '/b'] }],
  ['VOLUME ["/a b"]', { values: ['/a b'] }],
  ['ONBUILD run make', { trigger: 'run make' }],
  ['ONBUILD COPY <<EOF /x\ntext\nEOF', { trigger: 'COPY <<EOF /x\ntext\nEOF', end: 4 }],
  ['HEALTHCHECK --timeout=2s --start-period=1m --start-interval=500ms --retries=5 CMD ["a"]', { check: { command: { form: 'exec', words: ['a'] }, interval: 0, timeout: 2e9, startPeriod: 60e9, startInterval: 5e8, retries: 5 } }],
]
for (const [text, expected] of read) {
  void test(`${JSON.stringify(text)} is read`, () => {
    assert.deepEqual({ ...first(text), ...expected }, first(text))
  })
}

void test('a trigger is read as it stood in its file, heredocs included', () => {
  const trigger = parseLine('COPY <<EOF /x\ntext\nEOF', 7)
  assert.ok(trigger.kind === 'copy' && trigger.start === 7)
  assert.deepEqual(trigger.heredocs.map(({ content }) => content), ['text\n'])
  assert.throws(() => parseLine(' ', 3), /line 3: unknown instruction/)
})

const values: Record<string, string> = { x: 'value', empty: '', path: '/a/b/c.tar.gz', star: 'a*b' }
const expanded: [text: string, expected: string | RegExp][] = [
  ['$x', 'value'],
  ['${x}y', 'valuey'],
  ['$xy', ''],
  ['\\$x', '$x'],
  ["'$x'", '$x'],
  ['"$x"', 'value'],
  ['a"b c"d', 'ab cd'],
  ['"\\$x \\" \\n"', '$x " \\n'],
  ['${none:-d}', 'd'],
  ['${none-d}', 'd'],
  ['${empty:-d}', 'd'],
  ['${empty-d}', ''],
  ['${x:+d}', 'd'],
  ['${none+d}', ''],
  ['${none:-${x}}', 'value'],
  ['${none:-a b}', 'a b'],
  ['${path#*/}', 'a/b/c.tar.gz'],
  ['${path##*/}', 'c.tar.gz'],
  ['${path%.*}', '/a/b/c.tar'],
  ['${path%%.*}', '/a/b/c'],
  ['${path/b/X}', '/a/X/c.tar.gz'],
  ['${path//\\//-}', '-a-b-c.tar.gz'],
  ['${star#a\\*}', 'b'],
  ['${none:?gone}', /^Error: none: gone$/],
  ['${none?}', /^Error: none: not allowed to be unset$/],
  ['${x', /missing '}'/],
  ['${x:-a', /unexpected end of statement while looking for matching }/],
  ['${x/a/b', /unexpected end of statement while looking for matching }/],
  ['${x#a', /missing '}'/],
  ['${}', /bad substitution/],
  ['${x:*}', /unsupported modifier \(\*\) in substitution/],
  ['"a', /unexpected end of statement while looking for matching double-quote/],
  ["'a", /unexpected end of statement while looking for matching single-quote/],
  ['$', '$'],
  ['a$', 'a$'],
  ['$1', ''],
]
for (const [text, expected] of expanded) {
  void test(`${text} becomes ${expected}`, () => {
    const options = { escape: '\\', variables: (name: string) => values[name] }
    if (expected instanceof RegExp) assert.throws(() => expandWord(text, options), expected)
    else assert.equal(expandWord(text, options), expected)
  })
}

const line = fc.oneof(
  fc.stringMatching(/^[A-Za-z #"'\\$`{}[\]<>=:,/.-]{0,24}$/),
  fc.tuple(fc.constantFrom(...keywords), fc.stringMatching(/^[a-z "'\\$<=[\]{}/-]{0,16}$/)).map(([keyword, rest]) => `${keyword} ${rest}`),
  fc.constantFrom('FROM scratch', 'RUN <<EOF', 'EOF', '# check=skip=all', '# escape=`', '\\', '`', '', 'RUN a \\'),
)

void test('whatever a file holds, it is read or refused with a line of it', () => {
  fc.assert(
    fc.property(fc.array(line, { maxLength: 12 }), (lines) => {
      const text = lines.join('\n')
      try {
        const { stages, globalArgs, source } = parseDockerfile(text)
        const all = [...globalArgs, ...stages.flatMap(({ from, instructions }) => [from, ...instructions])]
        let end = 0
        for (const instruction of all) {
          assert.ok(instruction.start > end && instruction.end >= instruction.start && instruction.end <= source.lines.length)
          end = instruction.end
        }
        assert.equal(all.length, source.instructions.length)
      } catch (error) {
        assert.ok(error instanceof DockerfileError, String(error))
        assert.ok(error.line >= 0 && error.line <= lines.length)
      }
    }),
    { numRuns: 3000 },
  )
})

const kinds = (file: string): unknown => parseDockerfile(file).stages.map(({ instructions }) => instructions.map(({ kind, original }) => [kind, original]))

void test('a file means the same with other line ends, a byte order mark and blank lines around it', () => {
  const body = fc.array(fc.constantFrom('RUN a', 'ENV a=b', 'COPY a \\\n  b /c', 'RUN <<E\nx\nE', '# note', 'LABEL x="y z"'), { maxLength: 8 })
  fc.assert(
    fc.property(body, (lines) => {
      const text = ['FROM scratch', ...lines].join('\n')
      for (const other of [text.replaceAll('\n', '\r\n'), `\uFEFF${text}`, `${text}\n\n\n`, `\n\n${text}`]) assert.deepEqual(kinds(other), kinds(text))
    }),
  )
})

void test('a word that is quoted is itself', () => {
  const options = { escape: '\\', variables: () => undefined }
  fc.assert(
    fc.property(fc.string(), (text) => {
      assert.equal(expandWord(`"${text.replaceAll(/["\\$]/g, '\\$&')}"`, options), text)
      if (!text.includes("'")) assert.equal(expandWord(`'${text}'`, options), text)
    }),
  )
})

void test('splitting and joining words keeps what is quoted together', () => {
  const options = { escape: '\\', variables: () => undefined }
  fc.assert(
    fc.property(fc.array(fc.string(), { minLength: 1 }), (words) => {
      const text = words.map((word) => `"${word.replaceAll(/["\\$]/g, '\\$&')}"`).join(' ')
      assert.deepEqual(expandWords(text, options), words)
    }),
  )
})

void test('the escape directive holds for the words of ENV and ARG', () => {
  const { stages } = parseDockerfile('# escape=`\nFROM a\nENV A=b` c D="e`"f"\nARG G=h` i')
  assert.deepEqual(stages[0]!.instructions.map((instruction) => (instruction.kind === 'env' ? instruction.pairs : instruction.kind === 'arg' ? instruction.args : [])), [
    [{ name: 'A', value: 'b` c' }, { name: 'D', value: '"e`"f"' }],
    [{ name: 'G', value: 'h` i' }],
  ])
})
