import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { runtimeFailure } from '../../../../../src/containerd/tasks/foreign/runtime-failure.ts'

const directory = mkdtempSync(join(tmpdir(), 'gantry-failure-'))
after(() => rmSync(directory, { recursive: true }))

/** [what it is, the log, the text, the exit code]; logs as the runtimes wrote them. */
const cases: [string, string, string, number][] = [
  ['runc: not in PATH', '{"level":"error","msg":"runc create failed: unable to start container process: exec: \\"x\\": executable file not found in $PATH","time":"t"}\n', 'runc create failed: unable to start container process: exec: "x": executable file not found in $PATH', 127],
  ['runc: no such path', '{"level":"error","msg":"exec: \\"/x/y\\": stat /x/y: no such file or directory"}\n', 'exec: "/x/y": stat /x/y: no such file or directory', 127],
  ['runc: a directory', '{"level":"error","msg":"exec: \\"/etc\\": permission denied"}\n', 'exec: "/etc": permission denied', 126],
  ['crun: not in PATH', '{ "msg" : "executable file `x` not found in $PATH: No such file or directory", "level" : "error" }\n', 'executable file `x` not found in $PATH: no such file or directory', 127],
  ['crun: a directory', '{ "msg" : "open executable: Operation not permitted", "level" : "error" }\n', 'open executable: Operation not permitted', 126],
  ['runsc: not in PATH', '{"msg":"starting sandbox: error finding executable \\"x\\" in PATH [/bin]: no such file or directory","level":"error"}', 'starting sandbox: error finding executable "x" in PATH [/bin]: no such file or directory', 127],
  ['runsc: two lines without a newline, cause first', '{"msg":"unknown capability","level":"error"}{"msg":"cannot create sandbox: EOF","level":"error"}', 'cannot create sandbox: EOF: unknown capability', 128],
  ['a host file that is missing blames no command', '{"level":"error","msg":"open /sys/fs/cgroup/x: no such file or directory"}\n', 'open /sys/fs/cgroup/x: no such file or directory', 128],
  ['warnings say nothing of the failure', '{"level":"warning","msg":"careful"}\n', 'exit status 1', 128],
  ['no line that can be read', 'panic\n{"level', 'exit status 1', 128],
]
for (const [title, log, text, exitCode] of cases) {
  void test(title, () => {
    writeFileSync(join(directory, 'log.json'), log)
    const failure = runtimeFailure({ act: 'create', directory, otherwise: 'exit status 1' })
    assert.equal(failure.message, `OCI runtime create failed: ${text}: unknown`)
    assert.equal(failure.exitCode, exitCode)
  })
}

void test('without a log it says what else is known', () => {
  assert.match(runtimeFailure({ act: 'start', directory: '/nonexistent', otherwise: 'exit status 2' }).message, /^OCI runtime start failed: exit status 2: unknown$/)
})
