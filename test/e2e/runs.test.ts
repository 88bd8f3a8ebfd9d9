import assert from 'node:assert/strict'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { test } from 'node:test'
import { eventually } from './harness/eventually.ts'
import { alive } from './harness/processes.ts'
import { engineUnderTest, tiny, tools, throughEachClient } from './harness/stories.ts'

throughEachClient('run, exec and logs', (stage) => {
  void test('the exit code of run is that of the command', async () => {
    for (const code of [0, 1, 2, 42, 127, 128, 254, 255]) {
      assert.equal((await stage.docker('run', '--rm', tiny, 'sh', '-c', `exit ${code}`)).code, code)
    }
  })

  void test('every exit code from 0 to 255 is kept', async () => {
    await using container = await stage.container(tiny, 'sleep', '999')
    const script = 'i=0; while [ $i -lt 256 ]; do (exit $i); echo $?; i=$((i+1)); done'
    assert.equal(await stage.ok('exec', container.id, 'sh', '-c', script), Array.from({ length: 256 }, (_, i) => i).join('\n'))
    for (const code of [0, 3, 126, 255]) assert.equal((await stage.docker('exec', container.id, 'sh', '-c', `exit ${code}`)).code, code)
  })

  void test('125 is an error of the engine, 126 a file that is no program, 127 one that is not there', async () => {
    assert.equal((await stage.docker('run', '--rm', '-v', '/dev/null', '--no-such-flag', tiny)).code, 125)
    assert.equal((await stage.docker('run', '--rm', '-m', '1', tiny)).code, 125)
    const forbidden = await stage.docker('run', '--rm', tiny, '/etc')
    // Clients before 23 know no code for a directory.
    assert.equal(forbidden.code, Number.parseInt(await stage.ok('version', '-f', '{{.Client.Version}}'), 10) === 20 ? 125 : 126)
    assert.match(forbidden.stderr, /is a directory|permission denied/)
    const notExecutable = await stage.docker('run', '--rm', tiny, '/not-executable')
    assert.equal(notExecutable.code, 126)
    assert.match(notExecutable.stderr, /permission denied/)
    const missing = await stage.docker('run', '--rm', tiny, 'no-such-program')
    assert.equal(missing.code, 127)
    assert.match(missing.stderr, /exec: "no-such-program": executable file not found in \$PATH/)
    assert.equal(await stage.ok('ps', '-aq'), '')
  })

  void test('exec of a missing program says what is missing and ends with 127', { skip: engineUnderTest === 'dockerd' && 'Docker 20.10 said 126' }, async () => {
    await using container = await stage.container(tiny, 'sleep', '99')
    const { code, stdout, stderr } = await stage.docker('exec', container.id, '/bin/no-shell')
    assert.equal(code, 127)
    assert.match(
      stdout + stderr,
      /OCI runtime exec failed: exec failed: unable to start container process: exec: "\/bin\/no-shell": stat \/bin\/no-shell: no such file or directory: unknown/,
    )
    assert.equal((await stage.docker('exec', container.id, '/not-executable')).code, 126)
  })

  void test('stop sends SIGTERM, and SIGKILL when the time is over', async () => {
    await using obedient = await stage.container(tiny, 'sh', '-c', 'trap "exit 143" TERM; while :; do sleep 0.1; done')
    await stage.ok('stop', obedient.id)
    assert.equal(await obedient.inspect('{{.State.ExitCode}}'), '143')
    await using stubborn = await stage.container(tiny, 'sh', '-c', 'trap "" TERM; while :; do sleep 0.1; done')
    const start = Date.now()
    await stage.ok('stop', '-t', '2', stubborn.id)
    assert.ok(Date.now() - start >= 1900)
    assert.equal(await stubborn.inspect('{{.State.ExitCode}}'), '137')
    assert.ok(!alive(stubborn.pid))
  })

  void test('kill sends SIGKILL, or the signal that it is told', async () => {
    await using container = await stage.container(tiny, 'sh', '-c', 'trap "echo usr1" USR1; trap "echo hup; exit 9" HUP; echo ready; while :; do sleep 0.1; done')
    await eventually(async () => assert.match(await stage.ok('logs', container.id), /ready/))
    await stage.ok('kill', '-s', 'USR1', container.id)
    await eventually(async () => assert.match(await stage.ok('logs', container.id), /usr1/))
    await stage.ok('kill', '--signal', 'SIGHUP', container.id)
    assert.equal(await stage.ok('wait', container.id), '9')
    await using other = await stage.container(tiny, 'sleep', '99')
    await stage.ok('kill', other.id)
    assert.equal(await stage.ok('wait', other.id), '137')
  })

  void test('echo hi | run -i … cat ends', async () => {
    const { code, stdout } = await stage.dockerWith({ input: 'hi\n', timeout: 20_000 }, 'run', '--rm', '-i', tiny, 'cat')
    assert.deepEqual([code, stdout], [0, 'hi\n'])
  })

  void test('exec -i passes a megabyte through unchanged', async () => {
    await using container = await stage.container(tiny, 'sleep', '99')
    const input = 'x'.repeat(1023).concat('\n').repeat(1024)
    const { stdout } = await stage.dockerWith({ input, timeout: 20_000 }, 'exec', '-i', container.id, 'cat')
    assert.ok(stdout === input, `${stdout.length} of ${input.length} bytes`)
  })

  void test('standard output and standard error stay apart', async () => {
    const script = 'echo out; echo err >&2'
    const direct = await stage.docker('run', '--name', 'apart', tiny, 'sh', '-c', script)
    assert.deepEqual([direct.stdout, direct.stderr], ['out\n', 'err\n'])
    const kept = await stage.docker('logs', 'apart')
    assert.deepEqual([kept.stdout, kept.stderr], ['out\n', 'err\n'])
    await stage.ok('rm', 'apart')
  })

  void test('a million lines lose none, and logs gives them in order', async () => {
    const million = Array.from({ length: 1_000_000 }, (_, i) => i + 1).join('\n')
    const direct = await stage.docker('run', '--name', 'million', tiny, 'seq', '1000000')
    assert.ok(direct.stdout.trim() === million, `${direct.stdout.split('\n').length - 1} lines came`)
    assert.ok((await stage.ok('logs', 'million')) === million)
    assert.equal(await stage.ok('logs', '--tail', '2', 'million'), '999999\n1000000')
    await stage.ok('rm', 'million')
  })

  void test('logs -f follows to the end, and -t and --since know the time', async () => {
    await using container = await stage.container(tiny, 'sh', '-c', 'echo first; sleep 1.5; echo second')
    const [first, second] = (await stage.ok('logs', '-f', '-t', container.id)).split('\n').map((line) => line.split(' '))
    assert.deepEqual([first?.[1], second?.[1]], ['first', 'second'])
    const gap = Date.parse(second?.[0] ?? '') - Date.parse(first?.[0] ?? '')
    assert.ok(gap > 1200 && gap < 4000, `${gap} ms apart`)
    assert.equal(await stage.ok('logs', '--since', second?.[0] ?? '', container.id), 'second')
  })

  void test('the log file has one JSON object a line with log, stream and time', async () => {
    const name = 'logged'
    await stage.docker('run', '-t', '--name', name, tiny, 'echo', 'a "quoted" ünicode line')
    const lines = readFileSync(await stage.ok('inspect', '-f', '{{.LogPath}}', name), 'utf8').trimEnd().split('\n')
    for (const line of lines) {
      const entry = JSON.parse(line) as Record<string, string>
      assert.deepEqual(Object.keys(entry).toSorted(), ['log', 'stream', 'time'])
      assert.match(entry.time ?? '', /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d+Z$/)
    }
    const { log, stream } = JSON.parse(lines[0] ?? '') as Record<string, string>
    assert.deepEqual([log, stream], ['a "quoted" ünicode line\r\n', 'stdout'])
    await stage.ok('rm', name)
  })

  void test('inspect points at the files of the container', async () => {
    await using container = await stage.container('-h', 'named', tiny, 'sleep', '99')
    const paths = (await container.inspect('{{.LogPath}} {{.HostnamePath}} {{.HostsPath}} {{.ResolvConfPath}}')).split(' ')
    const place = path.join(stage.engine.dataRoot, 'containers', container.id)
    assert.deepEqual(paths.map((file) => path.relative(place, file)), [`${container.id}-json.log`, 'hostname', 'hosts', 'resolv.conf'])
    assert.equal(readFileSync(paths[1] ?? '', 'utf8'), 'named\n')
    for (const file of ['config.v2.json', 'hostconfig.json']) JSON.parse(readFileSync(path.join(place, file), 'utf8'))
  })

  void test('the root of a running container can be browsed on the host', async () => {
    await using container = await stage.container(tiny, 'sh', '-c', 'echo here > /made; sleep 99')
    const merged = await container.inspect('{{.GraphDriver.Data.MergedDir}}')
    await eventually(() => assert.equal(readFileSync(path.join(merged, 'made'), 'utf8'), 'here\n'))
    assert.ok(merged.startsWith(stage.engine.dataRoot))
  })

  void test('inspect -f takes Go templates', async () => {
    await using container = await stage.container('--label', 'a=1', '--label', 'b=2', '--name', 'templated', tiny, 'sleep', '99')
    assert.equal(await container.inspect('{{.State.Pid}}'), String(container.pid))
    assert.ok(alive(container.pid))
    assert.equal(await container.inspect('{{range $k, $v := .Config.Labels}}{{$k}}={{$v}};{{end}}'), 'a=1;b=2;')
    assert.equal(await container.inspect('{{if .State.Running}}{{.Name | printf "%q"}}{{else}}no{{end}}'), '"/templated"')
    assert.equal(await container.inspect('{{json .Config.Cmd}} {{len .Config.Labels}} {{index .Config.Cmd 1}}'), '["sleep","99"] 2 99')
  })

  void test('ps has the columns of Docker and makes up names', async () => {
    await using container = await stage.container(tiny, 'sleep', '99')
    const [head = '', row = ''] = (await stage.ok('ps')).split('\n')
    assert.match(head, /^CONTAINER ID {3}IMAGE\s+COMMAND\s+CREATED\s+STATUS\s+PORTS\s+NAMES$/)
    assert.match(row, new RegExp(`^${container.id.slice(0, 12)}\\s+tiny\\s+"sleep 99"\\s+\\S.* ago\\s+Up .*\\s+[a-z]+_[a-z]+\\d?$`))
  })

  void test('environment, working directory, entrypoint and env files are as asked', async () => {
    const file = path.join(stage.engine.directory, 'env')
    writeFileSync(file, '# comment\nFROM_FILE=yes\n')
    const script = 'echo $FROM_FILE $GIVEN; pwd; echo $0'
    const answer = await stage.ok('run', '--rm', '--env-file', file, '-e', 'GIVEN=too', '-w', '/tmp/new', '--entrypoint', 'sh', tiny, '-c', script, 'zero')
    assert.equal(answer, 'yes too\n/tmp/new\nzero')
  })

  void test('-v shows a directory of the host, read-only when asked', async () => {
    const shared = path.join(stage.engine.directory, 'shared')
    mkdirSync(shared)
    await stage.ok('run', '--rm', '-v', `${shared}:/data`, tiny, 'sh', '-c', 'echo inside > /data/file')
    assert.equal(readFileSync(path.join(shared, 'file'), 'utf8'), 'inside\n')
    const { code, stderr } = await stage.docker('run', '--rm', '-v', `${shared}:/data:ro`, tiny, 'touch', '/data/other')
    assert.notEqual(code, 0)
    assert.match(stderr, /Read-only file system/)
  })

  void test('start -a and restart run the same container again', async () => {
    await stage.ok('create', '--name', 'again', tiny, 'sh', '-c', 'echo run >> /count; wc -l < /count')
    assert.equal(await stage.ok('start', '-a', 'again'), '1')
    assert.equal(await stage.ok('start', '-a', 'again'), '2')
    await stage.ok('restart', 'again')
    await eventually(async () => assert.equal(await stage.ok('logs', 'again'), '1\n2\n3'))
    await eventually(async () => assert.equal(await stage.ok('inspect', '-f', '{{.State.Status}}', 'again'), 'exited'))
    await stage.ok('rm', 'again')
  })

  void test('run --rm leaves no container', async () => {
    await stage.ok('run', '--rm', '--name', 'gone', tiny, 'true')
    assert.equal(await stage.ok('ps', '-aq'), '')
    await stage.ok('run', '-d', '--rm', '--name', 'gone', tiny, 'true')
    await eventually(async () => assert.equal(await stage.ok('ps', '-aq'), ''))
  })

  void test('events tells of create, start, die and destroy in order', async () => {
    const since = String(Date.now() / 1000)
    await stage.ok('run', '--rm', '--name', 'watched', tiny, 'sh', '-c', 'exit 0')
    await eventually(async () => {
      const seen = await stage.ok('events', '--since', since, '--until', String(Date.now() / 1000), '--filter', 'container=watched', '--format', '{{.Action}}')
      const wanted = seen.split('\n').filter((action) => ['create', 'start', 'die', 'destroy'].includes(action))
      assert.deepEqual(wanted, ['create', 'start', 'die', 'destroy'])
    })
  })

  void test('--restart on-failure starts a failing container again, as often as it says', async () => {
    await using container = await stage.container('--restart', 'on-failure:2', tiny, 'sh', '-c', 'echo run; exit 1')
    await eventually(async () => assert.equal(await container.inspect('{{.State.Status}} {{.RestartCount}}'), 'exited 2'), 15_000)
    assert.equal(await stage.ok('logs', container.id), 'run\nrun\nrun')
  })

  void test('eight containers started at once all run', async () => {
    const outputs = await Promise.all(Array.from({ length: 8 }, (_, i) => stage.ok('run', '--rm', tools, 'echo', String(i))))
    assert.deepEqual(outputs, ['0', '1', '2', '3', '4', '5', '6', '7'])
  })
})
