import assert from 'node:assert/strict'
import { test } from 'node:test'
import { onOneMachine, tiny } from './harness/stage.ts'

const enable = `set -e
mkdir -p /etc/gantry /srv/data /srv/built
echo '{"userns-remap": "default"}' >/etc/gantry/daemon.json
systemctl stop gantryd`

onOneMachine('remapped users on Linux 6.1, cgroup v2 and AppArmor', (stage) => {
  const mapOf = async (pid: number | string) => (await stage.must(`cat /proc/${pid}/uid_map`)).trim().split(/\s+/).join(' ')
  let before = ''
  let mapped = ''

  test('a container that was made without is remapped at its next start, and its files with it', async () => {
    before = await stage.ok('run', '-d', tiny, 'sh', '-c', 'touch /kept; chown 3:4 /kept; exec sleep 999')
    await stage.ok('stop', '-t', '0', before)
    await stage.must(enable)
    await stage.daemon.start()
    const range = /^dockremap:(\d+):65536$/m.exec(await stage.must('cat /etc/subuid'))
    mapped = `0 ${range?.[1]} 65536`
    assert.match(await stage.must('getent passwd dockremap'), /:\/bin\/false$/)
    await stage.ok('start', before)
    assert.equal(await mapOf(await stage.ok('inspect', '-f', '{{.State.Pid}}', before)), mapped)
    assert.equal(await stage.ok('exec', before, 'stat', '-c', '%u:%g', '/', '/kept', '/bin/busybox'), '0:0\n3:4\n0:0')
  })

  test('an overlay of mapped layers is written to, and cgroups, confinement and network are as ever', async () => {
    await stage.must(`chown ${mapped.split(' ')[1]} /srv/data`)
    await using container = await stage.container('-v', '/srv/data:/data', '-m', '64m', tiny, 'sh', '-c', 'cp /bin/busybox /copy; rm -r /www; touch /data/file; exec sleep 999')
    const script = 'test -x /copy && test ! -e /www && stat -c %u:%g /copy /data/file && cat /proc/self/attr/current && cat /sys/fs/cgroup/memory.max && ip -4 addr show eth0 | grep -c inet'
    assert.equal(await stage.ok('exec', container.id, 'sh', '-c', script), '0:0\n0:0\ndocker-default (enforce)\n67108864\n1')
    assert.equal(await stage.must('stat -c %u /srv/data/file'), mapped.split(' ')[1])
    assert.equal(await stage.must(`stat -c %u:%g /var/lib/gantry/overlay2/${container.id}/diff/copy`), '0:0')
    assert.equal(await container.read('memory.max'), '67108864')
  })

  test('without the flag the same container is root of the host again', async () => {
    await stage.must('echo {} >/etc/gantry/daemon.json; systemctl stop gantryd')
    await stage.daemon.start()
    assert.equal(await mapOf(await stage.ok('inspect', '-f', '{{.State.Pid}}', before)), mapped)
    assert.equal(await stage.ok('exec', before, 'stat', '-c', '%u:%g', '/kept'), '3:4')
    await stage.ok('restart', '-t', '0', before)
    assert.equal(await mapOf(await stage.ok('inspect', '-f', '{{.State.Pid}}', before)), '0 0 4294967295')
    assert.equal(await stage.ok('exec', before, 'stat', '-c', '%u:%g', '/', '/kept', '/etc/hosts'), '0:0\n3:4\n0:0')
    assert.equal(await stage.must('grep -c mapped-layers /proc/self/mountinfo || true'), '0')
  })
})
