import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { after, test } from 'node:test'
import { runFlags, type FlagRow } from './flags/run-flags.ts'
import { must } from './harness/run.ts'
import { program } from './harness/program.ts'
import { tiny, throughEachClient } from './harness/stories.ts'

/** Names of the flags that a client's --help has. */
async function flagsOf(client: string, command: string): Promise<string[]> {
  const help = await must([client, command, '--help'])
  return [...help.matchAll(/^ +(?:-\w, +|    )?--([\w-]+)/gm)].map(([, name = '']) => name).toSorted()
}

/** Of `update` and `exec`: a use of each flag. */
const updateFlags: Record<string, string> = {
  'blkio-weight': '500', 'cpu-period': '50000', 'cpu-quota': '25000', 'cpu-rt-period': '0', 'cpu-rt-runtime': '0', 'cpu-shares': '512', cpus: '0', 'cpuset-cpus': '0', 'cpuset-mems': '0',
  memory: '64m', 'memory-reservation': '32m', 'memory-swap': '128m', 'pids-limit': '50', restart: 'on-failure:2',
}
const execFlags = ['detach', 'detach-keys', 'env', 'env-file', 'interactive', 'privileged', 'tty', 'user', 'workdir']

throughEachClient('flags', (stage) => {
  const directory = mkdtempSync('/tmp/gt-flags-')
  writeFileSync(path.join(directory, 'env'), '# comment\nFROM_FILE=a b\n')
  writeFileSync(path.join(directory, 'labels'), 'from=file\n')
  const given = (args: readonly string[]) => args.map((word) => word.replaceAll('DIR', directory))
  const rows = Object.entries(runFlags).flatMap(([name, list]) => list.map((row) => ({ name, row })))

  void test('every flag of the stock client is one of ours, and has its row here', async () => {
    const [docker, gantry] = [program('docker'), program('gantry')]
    for (const command of ['run', 'create', 'update', 'exec']) {
      const [stock, own] = [await flagsOf(docker, command), new Set(await flagsOf(gantry, command))]
      assert.ok(stock.length > 8, `${command} --help was read`)
      const hidden = new Set(['cpu-count', 'cpu-percent', 'io-maxbandwidth', 'io-maxiops', 'help'])
      assert.deepEqual(stock.filter((name) => !own.has(name) && !hidden.has(name)), [], `gantry ${command} has them all`)
    }
    assert.deepEqual((await flagsOf(docker, 'run')).filter((name) => !(name in runFlags)), [], 'run')
    assert.deepEqual((await flagsOf(docker, 'update')).filter((name) => !(name in updateFlags) && name !== 'help'), [], 'update')
    assert.deepEqual((await flagsOf(docker, 'exec')).filter((name) => !execFlags.includes(name) && name !== 'help'), [], 'exec')
  })

  void test('what is accepted has its effect', async () => {
    const groups = Map.groupBy(rows.filter(({ row }) => 'at' in row || 'prints' in row), ({ row }) => ('group' in row && row.group) || 'common')
    for (const [group, members] of groups) {
      const args = members.flatMap(({ row }) => ('args' in row ? given(row.args) : []))
      const scripts = members.flatMap(({ row }) => ('prints' in row ? [row.prints[0]] : []))
      const name = `flags-${group}`
      const mark = '=-=-='
      const command = ['/bin/sh', '-c', [...scripts.flatMap((script) => [script, `echo ${mark}`]), 'true'].join('\n')]
      const { code, stdout, stderr } = await stage.docker('run', '--name', name, ...args, tiny, ...(group === 'entrypoint' ? ['x'] : command))
      assert.equal(code, 0, `${group}: ${stderr}`)
      const printed = stdout.split(`${mark}\n`).map((part) => part.trim())
      const inspected = JSON.parse(await stage.ok('inspect', '-f', '{{json .}}', name)) as unknown
      for (const { name: flag, row } of members) if ('at' in row) assert.deepEqual(valueAt(inspected, row.at), row.is, `--${flag}`)
      let at = 0
      for (const { name: flag, row } of members) {
        if (!('prints' in row)) continue
        assert.match(printed[at] ?? '', row.prints[1], `--${flag}`)
        at += 1
      }
      await stage.ok('rm', '-fv', name)
    }
    rmSync(path.join(directory, 'cid'))
  })

  void test('what is refused is refused with the words of Docker, and leaves no container', async () => {
    for (const { name, row } of rows.filter((each): each is { name: string; row: Extract<FlagRow, { refused: RegExp }> } => 'refused' in each.row)) {
      const { stdout, stderr } = await stage.docker('run', ...(row.args.includes('--restart') ? [] : ['--rm']), ...given(row.args), tiny, 'true')
      assert.match(stderr + stdout, row.refused, `--${name}`)
    }
    assert.equal(await stage.ok('ps', '-aq'), '')
  })

  void test('update takes every flag of its own', async () => {
    const id = await stage.ok('create', tiny, 'true')
    const args = Object.entries(updateFlags).flatMap(([name, value]) => [`--${name}`, value])
    const { code, stdout, stderr } = await stage.docker('update', ...args, id)
    assert.equal(code, 0, stderr)
    assert.match(stdout, new RegExp(id))
    const { CpuQuota, Memory, PidsLimit, RestartPolicy } = JSON.parse(await stage.ok('inspect', '-f', '{{json .HostConfig}}', id)) as Record<string, unknown>
    assert.deepEqual([CpuQuota, Memory, PidsLimit, RestartPolicy], [25_000, 64 * 1024 * 1024, 50, { Name: 'on-failure', MaximumRetryCount: 2 }])
    await stage.ok('rm', id)
  })

  void test('exec takes every flag of its own', async () => {
    await using container = await stage.container(tiny, 'sleep', '99')
    const env = ['-e', 'A=1', '--env-file', path.join(directory, 'env')]
    const { stdout } = await stage.dockerWith({ input: 'typed\n' }, 'exec', '-i', ...env, '-u', '500:600', '-w', '/tmp', '--privileged', '--detach-keys', 'ctrl-x', container.id, 'sh', '-c', 'cat; echo $A $FROM_FILE; id -u; id -g; pwd; grep CapBnd /proc/self/status')
    assert.match(stdout, /^typed\n1 a b\n500\n600\n\/tmp\nCapBnd:\t0*[1-9a-f][0-9a-f]{9,}$/m)
    assert.equal(await stage.ok('exec', '-d', container.id, 'touch', '/tmp/done'), '')
    assert.match((await stage.docker('exec', '-t', '-i', container.id, 'true')).stderr, /not a TTY/)
  })

  after(() => rmSync(directory, { recursive: true }))
}, { images: [tiny] })

function valueAt(value: unknown, at: string): unknown {
  return at.split('.').reduce((inside, key) => (inside as Record<string, unknown> | undefined)?.[key], value)
}
