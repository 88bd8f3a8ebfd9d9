import assert from 'node:assert/strict'
import { before, describe, test } from 'node:test'
import { onOneMachine, tiny, type Container, type Stage } from './harness/stage.ts'

const hog = 'dd if=/dev/zero of=/dev/null bs=128M count=1'
const whenTold = (command: string): string[] => ['sh', '-c', `while [ ! -e /tmp/end ]; do sleep 0.2; done; ${command}`]

onOneMachine('the life of a cgroup on v2', (stage) => {
  describe('by systemd', () => {
    lifetime(stage, '/sys/fs/cgroup/system.slice/docker-*.scope', 60)
    otherLives(stage)
  })

  describe('by files alone', () => {
    before(() => stage.daemon.restartWith('--exec-opt native.cgroupdriver=cgroupfs'))
    lifetime(stage, '/sys/fs/cgroup/docker/*', 1)
  })
})

/**
 * @param places where the cgroups of containers are
 * @param seconds how long a value by hand is watched
 */
function lifetime(stage: Stage, places: string, seconds: number): void {
  let container: Container
  let writtenAt = 0
  const uptime = async () => Number(await stage.must('cut -d " " -f 1 /proc/uptime'))

  test('a weight written by hand is there', async () => {
    container = await stage.container(tiny, 'sleep', '999')
    await stage.must(`echo 50 >${container.cgroup}/cpu.weight`)
    writtenAt = await uptime()
  })

  test('rm -f leaves no process, cgroup, mount or interface, even of a container without a pid namespace', async () => {
    const traces = async () => stage.must(`ls -d ${places} 2>/dev/null; systemctl list-units --all --no-legend 'docker-*'; grep -c . /proc/self/mountinfo; ip -br link | wc -l`)
    const before = await traces()
    const ids = await stage.must(`for i in 1 2; do docker run -d --pid host ${tiny} sh -c 'sleep 997 & sleep 997'; done`)
    assert.notEqual(await traces(), before)
    await stage.ok('rm', '-f', ...ids.split('\n'))
    assert.equal(await traces(), before)
    assert.equal((await stage.run(`pgrep -xf 'sleep 997'`)).stdout, '')
  })

  test('containers, their limits, their exit codes and their ends for memory are found again after kill -9 of the daemon', async () => {
    await using kept = await stage.container('-m', '64m', '--cpus', '.5', tiny, 'sh', '-c', 'echo started; exec sleep 999')
    const ending = [
      await stage.container(tiny, ...whenTold('exit 7')),
      await stage.container('-m', '64m', '--memory-swap', '64m', tiny, ...whenTold(`exec ${hog}`)),
      await stage.container('-m', '64m', '--memory-swap', '64m', '--runtime', 'runc', tiny, ...whenTold(`exec ${hog}`)),
      // One whose child was killed ends in its own way.
      await stage.container('-m', '64m', '--memory-swap', '64m', tiny, ...whenTold(`${hog}; exit 3`)),
    ]
    await stage.daemon.kill9()
    await stage.must(ending.map(({ pid }) => `touch /proc/${pid}/root/tmp/end; while [ -e /proc/${pid} ]; do sleep 0.2; done`).join('\n'))
    await stage.daemon.start()

    assert.equal(await kept.inspect('{{.State.Status}} {{.State.Pid}}'), `running ${kept.pid}`)
    assert.deepEqual(await Promise.all(['memory.max', 'cpu.max'].map(kept.read)), ['67108864', '50000 100000'])
    assert.equal(await stage.ok('logs', kept.id), 'started')
    assert.equal(await stage.ok('exec', kept.id, 'cat', '/proc/self/cgroup'), '0::/')
    const ids = ending.map(({ id }) => id)
    assert.equal(await stage.ok('inspect', '-f', '{{.State.ExitCode}} {{.State.OOMKilled}}', ...ids), '7 false\n137 true\n137 true\n3 true')
    assert.equal(await stage.ok('wait', ...ids), '7\n137\n137\n3')
    await stage.ok('rm', ...ids)
    assert.deepEqual((await stage.must(`ls -d ${places}/`)).split('\n').toSorted(), [container, kept].map(({ cgroup }) => `${cgroup}/`).toSorted())
  })

  test(`a weight written by hand stays for ${seconds} s and more, goes with stop and is the default again after start`, async () => {
    await stage.ok('exec', container.id, 'true')
    await stage.docker('stats', '--no-stream', container.id)
    await stage.ok('inspect', container.id)
    const left = writtenAt + seconds - (await uptime())
    if (left > 0) await stage.must(`sleep ${left}`)
    assert.equal(await container.read('cpu.weight'), '50')
    await stage.ok('stop', '-t', '0', container.id)
    const { code, stderr } = await stage.run(`cat ${container.cgroup}/cpu.weight`)
    assert.equal(code, 1)
    assert.match(stderr, /No such file or directory/)
    await stage.ok('start', container.id)
    assert.equal(await container.read('cpu.weight'), '100')
    await stage.ok('rm', '-f', container.id)
  })
}

function otherLives(stage: Stage): void {
  test('-c gives the weight that runc gives, and start sets it again after stop', async () => {
    await using container = await stage.container('-c', '512', tiny, 'sleep', '999')
    // 1 + (512 - 2) * 9999 / 262142
    assert.equal(await container.read('cpu.weight'), '20')
    await stage.ok('stop', '-t', '0', container.id)
    await stage.ok('start', container.id)
    assert.equal(await container.read('cpu.weight'), '20')
  })

  test('exec joins the cgroup of the container', async () => {
    await using container = await stage.container(tiny, 'sleep', '999')
    await stage.ok('exec', '-d', container.id, 'sleep', '998')
    const pid = await stage.must(`for i in $(seq 100); do pgrep -xf 'sleep 998' && exit; sleep 0.1; done; exit 1`)
    assert.equal(await stage.must(`cat /proc/${pid}/cgroup`), `0::${container.cgroup.slice('/sys/fs/cgroup'.length)}`)
    assert.ok((await container.read('cgroup.procs')).split('\n').includes(pid))
  })

  test('containers outlive a stop of the service by systemd', async () => {
    await using container = await stage.container(tiny, 'sleep', '999')
    await stage.must(`systemctl stop gantryd; test -e /proc/${container.pid}`)
    await stage.daemon.start()
    assert.equal(await container.inspect('{{.State.Status}} {{.State.Pid}}'), `running ${container.pid}`)
  })
}
