import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { createRequest } from '../../../src/cli/container-options/create-request.ts'
import { containerFlags } from '../../../src/cli/container-options/flags.ts'
import { parseFlags } from '../../../src/cli/grammar/parse-flags.ts'

// What `docker create` 28.2.2 sent for these words (API 1.50), recorded from its socket.
const recorded = JSON.parse(readFileSync(new URL('fixtures/create-requests.json', import.meta.url), 'utf8')) as { args: string[]; body: Body }[]

type Body = { HostConfig: { Binds: string[] | null }; Env: string[] | null; [field: string]: unknown }

const request = (words: string[]) => {
  const { values, positionals } = parseFlags(words, containerFlags, { interspersed: false })
  return createRequest(values, positionals, { env: {}, terminalSize: [0, 0] })
}

for (const { args, body } of recorded) {
  void test(`create ${args.join(' ')} sends what docker sends`, () => {
    const sent = JSON.parse(JSON.stringify(request(args))) as Body
    // docker keeps these in maps: their order is anything.
    for (const list of [sent.HostConfig.Binds, body.HostConfig.Binds, sent.Env, body.Env]) list?.sort()
    assert.deepEqual(sent, body)
  })
}

const refused: [string[], string][] = [
  [['--restart', 'always', '--rm', 'bb'], 'conflicting options: cannot specify both --restart and --rm'],
  [['-p', 'foo', 'bb'], 'invalid containerPort: foo'],
  [['-p', '99999:1', 'bb'], 'invalid hostPort: 99999'],
  [['-v', 'aa:bb:cc:dd', 'bb'], 'invalid spec: aa:bb:cc:dd: too many colons'],
  [['-v', ':/data', 'bb'], 'invalid spec: :/data: empty section between colons'],
  [['--env-file', '/nonexistent', 'bb'], 'open /nonexistent: no such file or directory'],
  [['--security-opt', 'seccomp=/nonexistent', 'bb'], 'opening seccomp profile (/nonexistent) failed: open /nonexistent: no such file or directory'],
  [['--security-opt', 'foo', 'bb'], 'Invalid --security-opt: "foo"'],
  [['--pid', 'foo', 'bb'], '--pid: invalid PID mode'],
  [['--mac-address', 'foo', 'bb'], 'foo is not a valid mac address'],
  [['--health-cmd', 'x', '--no-healthcheck', 'bb'], '--no-healthcheck conflicts with --health-* options'],
  [['--network', 'host', '--network', 'bar', 'bb'], 'conflicting options: cannot attach both user-defined and non-user-defined network-modes'],
  [['--mount', 'type=foo', 'bb'], 'invalid argument "type=foo" for "--mount" flag: target is required'],
  [['--ulimit', 'nofile=2:1', 'bb'], 'invalid argument "nofile=2:1" for "--ulimit" flag: ulimit soft limit must be less than or equal to hard limit: 2 > 1'],
]
for (const [words, message] of refused) {
  void test(`create ${words.join(' ')} is refused with docker's words`, () => {
    assert.throws(() => request(words), { message })
  })
}
