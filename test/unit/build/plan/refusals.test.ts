import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { planned, type PlanSettings } from './planned.ts'

const cases: [file: string, error: RegExp, settings?: PlanSettings][] = [
  ['', /file with no instructions/],
  ['# only a comment', /file with no instructions/],
  ['RUN a', /dockerfile parse error on line 1: no build stage in current context/],
  ['ARG A=1', /dockerfile contains no stages to build/],
  ['FROM base\nFOO a', /dockerfile parse error on line 2: unknown instruction: FOO/],
  ['FROM base\nRUM a', /unknown instruction: RUM \(did you mean RUN\?\)/],
  ['FROM', /dockerfile parse error on line 1: FROM requires either one or three arguments/],
  ['FROM a b', /FROM requires either one or three arguments/],
  ['FROM missing', /line 1: missing: failed to resolve source metadata for docker.io\/library\/missing:latest: missing: not found/],
  ['FROM $NOTHING', /base name \(\$NOTHING\) should not be blank/],
  ['FROM base\nENV', /ENV requires at least one argument/],
  ['FROM base\nENV A', /ENV must have two arguments/],
  ['FROM base\nENV =b', /ENV names can not be blank/],
  ['FROM base\nCOPY a', /COPY requires at least two arguments/],
  ['FROM base\nCOPY a b c', /When using COPY with more than one source file, the destination must be a directory and end with a \//],
  ['FROM base\nADD a b c', /When using ADD with more than one source file/],
  ['FROM base\nCOPY --form=a b c', /unknown flag: form \(did you mean from\?\)/],
  ['FROM base\nCOPY --from=1 b c', /invalid stage index 1: there are 0 stages before this one/],
  ['FROM base AS x\nCOPY --from=x b c', /circular dependency detected on stage: x/],
  ['FROM base\nCOPY --chmod=rwx b c', /invalid chmod parameter: 'rwx'/],
  ['FROM base\nEXPOSE 80/icmp', /invalid proto: icmp/],
  ['FROM base\nEXPOSE high', /invalid containerPort: high/],
  ['FROM base\nEXPOSE 80:', /no port specified: 80:<empty>/],
  ['FROM base\nEXPOSE x:80', /invalid hostPort: x/],
  ['FROM base\nEXPOSE 300.0.0.1:80:80', /invalid IP address: 300\.0\.0\.1/],
  ['FROM base\nEXPOSE 80-82:90-91', /invalid ranges specified for container and host Ports/],
  ['FROM base\nEXPOSE 70000', /invalid containerPort: 70000/],
  ['FROM base\nONBUILD FROM x', /FROM isn't allowed as an ONBUILD trigger/],
  ['FROM base\nONBUILD ONBUILD RUN x', /Chaining ONBUILD via `ONBUILD ONBUILD` isn't allowed/],
  ['FROM base\nSHELL bash', /SHELL requires the arguments to be in JSON form/],
  ['FROM base\nHEALTHCHECK FOO', /Unknown type "FOO" in HEALTHCHECK/i],
  ['FROM base\nENV A=${B', /failed to process/],
  ['FROM base\nENV A="${B:?no B}"', /no B/],
  ['FROM base\nRUN <<EOF\nx', /unterminated heredoc/],
  ['FROM --platform=a/b/c/d base', /failed to parse platform/],
  ['FROM base AS one', /target stage "two" could not be found/, { target: 'two' }],
  ['FROM base AS build', /target stage "biuld" could not be found \(did you mean build\?\)/, { target: 'biuld' }],
  ['FROM base\nADD --checksum=sha256:a x /', /checksum can't be specified for non-HTTP\(S\) sources/],
]

void describe('a Dockerfile that is refused', () => {
  for (const [file, error, settings] of cases) {
    void test(JSON.stringify(file), async () => assert.rejects(planned(file, settings), error))
  }
})
