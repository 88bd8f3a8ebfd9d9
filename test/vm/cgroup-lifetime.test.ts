import assert from 'node:assert/strict'
import { before, describe, test } from 'node:test'
import { onOneMachine, tiny, type Stage } from './harness/stage.ts'

onOneMachine('the life of a cgroup on v2', (stage) => {
  describe('by systemd', () => {
    lifetime(stage, { places: '/sys/fs/cgroup/system.slice/docker-*.scope', seconds: 60, tellsMemory: false })
    otherLives(stage)
  })

  describe('by files alone', () => {
    before(() => stage.daemon.restartWith('--exec-opt native.cgroupdriver=cgroupfs'))
    lifetime(stage, { places: '/sys/fs/cgroup/docker/*', seconds: 1, tellsMemory: true })
  })
})

interface Manager {
  /** Where the cgroups of containers are. */
  places: string
  /** How long a value by hand is watched. */
  seconds: number
  /** Whether an end for memory can be told when no engine was there to see it. */
  tellsMemory: boolean
}

function lifetime(stage: Stage, { places, seconds, tellsMemory }: Manager): void {
  test('a weight written by hand stays, goes with stop and is the default again after start', async () => {
    await using container = await stage.container(tiny, 'sleep', '999')
    await stage.must(`echo 50 >${container.cgroup}/cpu.weight`)
    await stage.ok('exec', container.id, 'true')
    await stage.docker('stats', '--no-stream', container.id)
    await stage.ok('inspect', container.id)
    await stage.must(`sleep ${seconds}`)
    assert.equal(await container.read('cpu.weight'), '50')
    await stage.ok('stop', '-t', '0', container.id)
    const { code, stderr } = await stage.run(`cat ${container.cgroup}/cpu.weight`)
    assert.equal(code, 1)
    assert.match(stderr, /No such file or directory/)
    await stage.ok('start', container.id)
    assert.equal(await container.read('cpu.weight'), '100')
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

  test('containers, their limits and their exit codes are found again after kill -9 of the daemon', async () => {
    await using container = await stage.container('-m', '64m', '--cpus', '.5', tiny, 'sh', '-c', 'echo started; exec sleep 999')
    const brief = await stage.ok('run', '-d', tiny, 'sh', '-c', 'while [ ! -e /tmp/end ]; do sleep 0.2; done; exit 7')
    const hungry = await stage.ok('run', '-d', '-m', '64m', '--memory-swap', '64m', tiny, 'sh', '-c', 'while [ ! -e /tmp/end ]; do sleep 0.2; done; exec dd if=/dev/zero of=/dev/null bs=128M count=1')
    const pids = await stage.ok('inspect', '-f', '{{.State.Pid}}', brief, hungry)
    await stage.daemon.kill9()
    await stage.must(pids.split('\n').map((pid) => `touch /proc/${pid}/root/tmp/end; while [ -e /proc/${pid} ]; do sleep 0.2; done`).join('\n'))
    await stage.daemon.start()

    assert.equal(await container.inspect('{{.State.Status}} {{.State.Pid}}'), `running ${container.pid}`)
    assert.deepEqual(await Promise.all(['memory.max', 'cpu.max'].map(container.read)), ['67108864', '50000 100000'])
    assert.equal(await stage.ok('logs', container.id), 'started')
    assert.equal(await stage.ok('exec', container.id, 'cat', '/proc/self/cgroup'), '0::/')
    assert.equal(await stage.ok('inspect', '-f', '{{.State.ExitCode}} {{.State.OOMKilled}}', brief, hungry), `7 false\n137 ${tellsMemory}`)
    assert.equal(await stage.ok('wait', brief, hungry), '7\n137')
    await stage.ok('rm', brief, hungry)
    assert.equal(await stage.must(`ls -d ${places}/`), `${container.cgroup}/`)
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
