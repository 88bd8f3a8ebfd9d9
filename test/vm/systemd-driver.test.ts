import assert from 'node:assert/strict'
import { test } from 'node:test'
import { onOneMachine, tiny } from './harness/stage.ts'

/** Units of containers that systemd has in mind, whatever their state. */
const units = `systemctl list-units --all --no-legend --plain 'docker-*' 'mine*' | awk '{ print $1, $3 }'`

onOneMachine('containers as units of systemd', (stage) => {
  const property = (id: string, ...names: string[]): Promise<string> => stage.must(`for name in ${names.join(' ')}; do systemctl show docker-${id}.scope --value -p $name; done`)

  test('systemctl tells where the container is, and what it may use', async () => {
    await using container = await stage.container('-m', '64m', '--memory-swap', '64m', '--cpus', '.5', '-c', '512', '--pids-limit', '1', '--cpuset-cpus', '0', tiny, 'sleep', '999')
    const path = `/system.slice/docker-${container.id}.scope`
    assert.equal(await property(container.id, 'ControlGroup'), path)
    assert.equal(await stage.must(`cat /proc/${container.pid}/cgroup`), `0::${path}`)
    assert.equal(await property(container.id, 'MemoryMax', 'MemorySwapMax', 'CPUQuotaPerSecUSec', 'CPUWeight', 'TasksMax', 'AllowedCPUs', 'ActiveState'), '67108864\n0\n500ms\n20\n1\n0\nactive')
    const limits = () => Promise.all(['memory.max', 'memory.swap.max', 'cpu.max', 'cpu.weight', 'pids.max', 'cpuset.cpus'].map(container.read))
    const expected = ['67108864', '0', '50000 100000', '20', '1', '0']
    assert.deepEqual(await limits(), expected)
    await stage.must('systemctl daemon-reload')
    assert.deepEqual(await limits(), expected)
    // Whatever held the scope at its beginning has gone.
    assert.equal(await container.read('cgroup.procs'), String(container.pid))
  })

  test('update tells systemd too, and leaves what it does not name', async () => {
    await using container = await stage.container('-m', '64m', '--memory-swap', '-1', '--cpus', '.255', tiny, 'sleep', '999')
    assert.equal(await container.read('cpu.max'), '25500 100000')
    await stage.ok('update', '--pids-limit', '20', '-c', '1024', container.id)
    // Finer than a per cent: in the file, until systemd rounds it up at a reload.
    assert.equal(await container.read('cpu.max'), '25500 100000')
    await stage.ok('update', '-m', '32m', '--memory-swap', '40m', container.id)
    await stage.must('systemctl daemon-reload')
    assert.deepEqual(await Promise.all(['memory.max', 'memory.swap.max', 'pids.max', 'cpu.weight', 'cpu.max'].map(container.read)), ['33554432', '8388608', '20', '39', '26000 100000'])
    const { code, stderr } = await stage.docker('update', '-m', '1m', container.id)
    assert.deepEqual([code, /Minimum memory limit allowed is 6MB/.test(stderr)], [1, true])
  })

  test('annotations of a container are properties of its unit, again after a restart, and its limits win', async () => {
    const flags = ['TimeoutStopSec=7', 'MemoryMax=uint64 1073741824', 'MemoryHigh=uint64 50331648'].map((words) => `--annotation 'org.systemd.property.${words}'`).join(' ')
    for (const runtime of ['gantry', 'runc']) {
      const id = await stage.must(`gantry run -d -m 64m --runtime ${runtime} ${flags} ${tiny} sleep 999`)
      const shown = () => property(id, 'TimeoutStopUSec', 'MemoryMax', 'MemoryHigh')
      assert.equal(await shown(), '7s\n67108864\n50331648', runtime)
      await stage.ok('restart', '-t', '0', id)
      assert.equal(await shown(), '7s\n67108864\n50331648', runtime)
      await stage.ok('rm', '-f', id)
    }
    const { code, stderr } = await stage.run(`gantry run --name never --annotation org.systemd.property.A1b=1 ${tiny} true`)
    assert.deepEqual([code > 0, /annotation org\.systemd\.property\.A1b name incorrect: contains non-alphabetic character/.test(stderr)], [true, true], stderr)
    await stage.ok('rm', 'never')
    assert.equal(await stage.must(units), '')
  })

  test('pause outlasts a reload, and a paused container can be removed', async () => {
    for (const runtime of ['gantry', 'runc']) {
      await using container = await stage.container('--runtime', runtime, tiny, 'sleep', '999')
      assert.equal(await stage.must(`cat /proc/${container.pid}/cgroup`), `0::/system.slice/docker-${container.id}.scope`, runtime)
      await stage.ok('pause', container.id)
      await stage.must('systemctl daemon-reload')
      assert.match(await container.read('cgroup.events'), /^frozen 1$/m)
      if (runtime === 'gantry') {
        await stage.ok('unpause', container.id)
        assert.equal(await stage.ok('exec', container.id, 'cat', '/proc/self/cgroup'), '0::/')
      }
    }
    assert.equal(await stage.must(units), '')
  })

  test('an end for memory is told, and leaves no failed unit', async () => {
    const { code } = await stage.docker('run', '--name', 'hungry', '-m', '64m', '--memory-swap', '64m', tiny, 'dd', 'if=/dev/zero', 'of=/dev/null', 'bs=128M', 'count=1')
    assert.equal(code, 137)
    assert.equal(await stage.ok('inspect', '-f', '{{.State.OOMKilled}}', 'hungry'), 'true')
    // One that has lost a child goes on.
    await stage.ok('run', '--rm', '-m', '64m', '--memory-swap', '64m', tiny, 'sh', '-c', 'dd if=/dev/zero of=/dev/null bs=128M count=1; true')
    await stage.ok('rm', 'hungry')
    assert.equal(await stage.must(units), '')
  })

  test('stop, a failed start and rm leave no unit, and what is left of an old one is no hindrance', async () => {
    const id = await stage.ok('create', tiny, 'sleep', '999')
    await stage.must(`systemd-run -q --unit docker-${id}.scope --scope sh -c 'kill -9 $$' || true`)
    for (let round = 0; round < 2; round++) {
      await stage.ok('start', id)
      await stage.ok('stop', '-t', '0', id)
      assert.equal(await stage.must(units), '')
    }
    await stage.ok('rm', id)
    assert.equal((await stage.docker('run', '--rm', tiny, '/no-such-command')).code, 127)
    assert.equal((await stage.docker('run', '--rm', '--cpuset-cpus', '0', '--ulimit', 'nofile=5:5', '-w', '/etc/passwd', tiny, 'true')).code > 0, true)
    assert.equal(await stage.must(`${units}; ls -d /sys/fs/cgroup/system.slice/docker-* 2>/dev/null || true`), '')
  })

  test('--cgroup-parent is a slice, whose limit is that of all containers in it', async () => {
    for (const parent of ['/mine', 'mine', '.slice']) {
      const { code, stderr } = await stage.docker('run', '--rm', '--cgroup-parent', parent, tiny, 'true')
      assert.deepEqual([code, stderr.includes('cgroup-parent for systemd cgroup should be a valid slice named as "xxx.slice"')], [125, true], stderr)
    }
    await stage.must('systemctl set-property --runtime mine.slice MemoryMax=64M MemorySwapMax=0')
    {
      await using first = await stage.container('--cgroup-parent', 'mine-pod.slice', tiny, 'sleep', '999')
      await using second = await stage.container('--cgroup-parent', 'mine-pod.slice', tiny, 'sh', '-c', 'while [ ! -e /tmp/go ]; do sleep 0.2; done; exec dd if=/dev/zero of=/dev/null bs=128M count=1')
      assert.equal(first.cgroup, `/sys/fs/cgroup/mine.slice/mine-pod.slice/docker-${first.id}.scope`)
      await stage.must(`touch /proc/${second.pid}/root/tmp/go`)
      assert.equal(await stage.ok('wait', second.id), '137')
    }
    assert.equal((await stage.must(units)).includes('docker-'), false)
    await stage.must('systemctl revert mine.slice; systemctl stop mine.slice')
  })

  test('containers stay whose they were when the engine is told to manage cgroups in another way', async () => {
    await using old = await stage.container('-m', '64m', '--memory-swap', '64m', tiny, 'sleep', '999')
    await stage.must(`mkdir -p /etc/gantry; echo '{"exec-opts": ["native.cgroupdriver=cgroupfs"]}' >/etc/gantry/daemon.json`)
    await stage.daemon.restartWith()
    assert.equal(await stage.ok('info', '-f', '{{.CgroupDriver}}'), 'cgroupfs')
    await using young = await stage.container(tiny, 'sleep', '999')
    assert.equal(young.cgroup, `/sys/fs/cgroup/docker/${young.id}`)
    await stage.ok('update', '-m', '80m', '--memory-swap', '80m', old.id)
    assert.equal(await property(old.id, 'MemoryMax', 'MemorySwapMax'), '83886080\n0')
    await stage.must('rm /etc/gantry/daemon.json')
    await stage.daemon.restartWith('--cgroup-parent mine.slice')
    await stage.ok('restart', '-t', '0', young.id)
    assert.match(await stage.must(`cat /proc/$(docker inspect -f '{{.State.Pid}}' ${young.id})/cgroup`), new RegExp(`^0::/mine.slice/docker-${young.id}.scope$`))
    assert.equal(await stage.ok('exec', old.id, 'cat', '/sys/fs/cgroup/memory.max'), '83886080')
  })

  test('a name for the driver that is none is refused at the start', async () => {
    for (const [option, text] of [['native.cgroupdriver=none', 'native.cgroupdriver option none is internally used and cannot be specified manually'], ['native.cgroupdriver=x', 'native.cgroupdriver option x not supported']] as const) {
      const { code, stderr } = await stage.run(`/opt/gantry/bin/gantryd --exec-opt ${option}`)
      assert.deepEqual([code, stderr.includes(text)], [1, true], stderr)
    }
  })
})
