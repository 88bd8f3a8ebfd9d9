import assert from 'node:assert/strict'
import { before, describe, test } from 'node:test'
import { onOneMachine, tiny, type Stage } from './harness/stage.ts'

const MiB = 1024 * 1024

onOneMachine('limits on a cgroup v2 host with systemd', (stage) => {
  test('the machine has one tree, and the engine says so; systemd keeps it unless told otherwise', async () => {
    assert.equal(await stage.must('stat -fc %T /sys/fs/cgroup; cat /proc/1/comm'), 'cgroup2fs\nsystemd')
    assert.equal(await stage.ok('info', '-f', '{{.CgroupVersion}} {{.CgroupDriver}}'), '2 systemd')
  })

  describe('by systemd', () => {
    limits(stage, (id) => `docker-${id}.scope`)
    otherLimits(stage)
  })

  describe('by files alone', () => {
    before(() => stage.daemon.restartWith('--exec-opt native.cgroupdriver=cgroupfs'))
    test('the engine says so', async () => assert.equal(await stage.ok('info', '-f', '{{.CgroupDriver}}'), 'cgroupfs'))
    limits(stage, (id) => id)

    test('--cgroup-parent puts the container and its limits below a cgroup that somebody made', async () => {
      await stage.must('mkdir /sys/fs/cgroup/mine')
      {
        await using container = await stage.container('--cgroup-parent', '/mine', '-m', '64m', '--cpus', '.5', tiny, 'sleep', '999')
        assert.equal(container.cgroup, `/sys/fs/cgroup/mine/${container.id}`)
        assert.deepEqual(await Promise.all(['memory.max', 'cpu.max'].map(container.read)), [String(64 * MiB), '50000 100000'])
      }
      // Fails if anything is left inside.
      await stage.must('rmdir /sys/fs/cgroup/mine')
    })
  })
})

/** What holds whoever makes the cgroup, of which `nameOf` gives the name. */
function limits(stage: Stage, nameOf: (id: string) => string): void {
  test('all processes of a container are in one cgroup, named by the long id that run -d prints', async () => {
    await using container = await stage.container(tiny, 'sh', '-c', 'sleep 999 & sleep 999')
    assert.match(container.id, /^[0-9a-f]{64}$/)
    assert.equal(container.cgroup.split('/').at(-1), nameOf(container.id))
    const pids = (await stage.ok('top', container.id, '-o', 'pid')).split('\n').slice(1).map(Number)
    assert.ok(pids.length >= 2, `top shows ${pids.length} processes`)
    assert.deepEqual(new Set((await container.read('cgroup.procs')).split('\n').map(Number)), new Set(pids))
  })

  test('--memory-swap leaves no swap, also after systemd reloads its units', async () => {
    await using container = await stage.container('-m', '64m', '--memory-swap', '64m', '--pids-limit', '50', tiny, 'sleep', '999')
    const limits = () => Promise.all(['memory.swap.max', 'memory.max', 'pids.max'].map(container.read))
    assert.deepEqual(await limits(), ['0', String(64 * MiB), '50'])
    await stage.must('systemctl daemon-reload')
    assert.deepEqual(await limits(), ['0', String(64 * MiB), '50'])
  })

  test('update changes the limits at once, and they outlast reloads of systemd and restarts of container and engine', async () => {
    await using container = await stage.container(tiny, 'sleep', '999')
    await stage.ok('update', '--cpus', '1', '-m', '128m', '--memory-swap', '128m', container.id)
    const limits = () => Promise.all(['cpu.max', 'memory.max', 'memory.swap.max'].map(container.read))
    const expected = ['100000 100000', String(128 * MiB), '0']
    assert.deepEqual(await limits(), expected)
    await stage.must('systemctl daemon-reload')
    assert.deepEqual(await limits(), expected)
    await stage.ok('restart', '-t', '0', container.id)
    assert.deepEqual(await limits(), expected)
    await stage.daemon.kill9()
    await stage.daemon.start()
    await stage.ok('restart', '-t', '0', container.id)
    assert.deepEqual(await limits(), expected)
  })

  test('pause freezes the cgroup and unpause thaws it', async () => {
    await using container = await stage.container(tiny, 'sleep', '999')
    await stage.ok('pause', container.id)
    assert.match(await container.read('cgroup.events'), /^frozen 1$/m)
    assert.equal(await container.inspect('{{.State.Status}}'), 'paused')
    await stage.ok('unpause', container.id)
    assert.match(await container.read('cgroup.events'), /^frozen 0$/m)
  })
}

/** What differs by nothing but the kernel. */
function otherLimits(stage: Stage): void {
  test('without limits the files of every controller are there and say that there is none', async () => {
    await using container = await stage.container(tiny, 'sleep', '999')
    const files = ['cpu.weight', 'cpu.max', 'memory.max', 'memory.high', 'memory.swap.max', 'cgroup.freeze']
    assert.deepEqual(await Promise.all(files.map(container.read)), ['100', 'max 100000', 'max', 'max', 'max', '0'])
    const names = (await stage.must(`ls ${container.cgroup}`)).split('\n')
    for (const name of ['cgroup.procs', 'cpuset.cpus', 'io.max', 'pids.max']) assert.ok(names.includes(name), name)
  })

  test('-m sets the memory limit that the container itself reads', async () => {
    assert.equal(await stage.ok('run', '--rm', '-m', '64m', tiny, 'cat', '/sys/fs/cgroup/memory.max'), String(64 * MiB))
  })

  test('a process that allocates beyond its limit is killed, and inspect says so', async () => {
    const { code } = await stage.docker('run', '--name', 'oom', '-m', '64m', '--memory-swap', '64m', tiny, 'dd', 'if=/dev/zero', 'of=/dev/null', 'bs=128M', 'count=1')
    assert.equal(code, 137)
    assert.equal(await stage.ok('inspect', '-f', '{{.State.OOMKilled}} {{.State.ExitCode}}', 'oom'), 'true 137')
    await stage.ok('rm', 'oom')
  })

  test('--cpus .5 is half a processor, by quota and by measure', async () => {
    await using container = await stage.container('--cpus', '.5', tiny, 'sh', '-c', 'while :; do :; done')
    assert.equal(await container.read('cpu.max'), '50000 100000')
    const sample = `sed -n 's/^usage_usec //p; s/^nr_periods //p; s/^nr_throttled //p' ${container.cgroup}/cpu.stat`
    const numbers = (await stage.must(`sleep 1; ${sample}; sleep 4; ${sample}`)).split('\n').map(Number)
    const [used = 0, periods = 0, throttled = 0, usedAtEnd = 0, periodsAtEnd = 0, throttledAtEnd = 0] = numbers
    // By the kernel's own periods of 100 ms: the machine's clock goes on while the host gives it no processor.
    const share = (usedAtEnd - used) / 1e5 / (periodsAtEnd - periods)
    // How much less depends on what the host gives to an emulated machine.
    assert.ok(share > 0.1 && share < 0.525, `it used ${share.toFixed(3)} of a processor`)
    assert.ok(throttledAtEnd > throttled, `${throttledAtEnd} throttled`)
  })

  test('a device node that the container makes opens nothing, the usual ones do', async () => {
    const script = 'mknod /disk b 254 0; mknod /zero c 1 5; head -c 1 /disk; head -c 3 /zero | wc -c; echo x >/dev/null && echo written'
    const { stdout, stderr } = await stage.docker('run', '--rm', tiny, 'sh', '-c', script)
    assert.match(stderr, /\/disk: Operation not permitted/)
    assert.equal(stdout, '3\nwritten\n')
    // The same node opens where nothing is denied: the refusal above was the filter's.
    assert.equal(await stage.ok('run', '--rm', '--privileged', tiny, 'sh', '-c', 'mknod /disk b 254 0; head -c 1024 /disk | wc -c'), '1024')
  })
}
