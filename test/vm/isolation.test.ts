import assert from 'node:assert/strict'
import { test } from 'node:test'
import { onOneMachine, tiny } from './harness/stage.ts'

onOneMachine('isolation on a Debian 12 with systemd and AppArmor', (stage) => {
  test('a container has a namespace of its own of every kind but user', async () => {
    await using container = await stage.container(tiny, 'sleep', '999')
    const kinds = ['mnt', 'uts', 'ipc', 'pid', 'net', 'cgroup', 'time', 'user']
    const links = (pid: number | string) => stage.must(`cd /proc/${pid}/ns; readlink ${kinds.join(' ')}`)
    const [own, host] = (await Promise.all([links(container.pid), links(1)])).map((text) => text.split('\n'))
    const shared = kinds.filter((_, index) => own?.[index] === host?.[index])
    assert.deepEqual(shared, ['user'])
  })

  test('inside, the cgroup of the container is the top, read only', async () => {
    const script = 'cat /proc/self/cgroup; cat /sys/fs/cgroup/cgroup.procs | head -n 1; echo 1 >/sys/fs/cgroup/cgroup.freeze'
    const { stdout, stderr } = await stage.docker('run', '--rm', tiny, 'sh', '-c', script)
    assert.equal(stdout, '0::/\n1\n')
    assert.match(stderr, /Read-only file system/)
  })

  test('capabilities are the usual fourteen and system calls are filtered', async () => {
    await using container = await stage.container(tiny, 'sleep', '999')
    const status = await stage.must(`cat /proc/${container.pid}/status`)
    assert.match(status, /^CapEff:\t00000000a80425fb$/m)
    assert.match(status, /^Seccomp:\t2$/m)
  })

  test('on a host with AppArmor containers start, and inspect claims no profile that is not there', async () => {
    assert.equal(await stage.must('cat /sys/module/apparmor/parameters/enabled'), 'Y')
    await using container = await stage.container(tiny, 'sleep', '999')
    const [profile = ''] = (await stage.must(`cat /proc/${container.pid}/attr/apparmor/current`)).split(' ')
    assert.equal((await container.inspect('{{.AppArmorProfile}}')) || 'unconfined', profile)
  })

  test('a published port answers at 127.0.0.1, at the address of the machine and for a neighbour', async () => {
    await stage.must(`ip netns add neighbour
ip link add machine0 type veth peer name neighbour0 netns neighbour
ip addr add 203.0.113.1/24 dev machine0; ip link set machine0 up
ip -n neighbour addr add 203.0.113.2/24 dev neighbour0; ip -n neighbour link set neighbour0 up`)
    await using container = await stage.container('-p', '8080:80', tiny, 'sh', '-c', 'echo hello >/www/index.html; exec httpd -f -p 80 -h /www')
    assert.match(await stage.ok('port', container.id), /^80\/tcp -> 0\.0\.0\.0:8080/)
    const get = (address: string, prefix = '') => stage.must(`for i in $(seq 20); do ${prefix} bash -c '${requestTo(address)}' && exit; sleep 0.5; done; exit 1`)
    assert.equal(await get('127.0.0.1'), 'hello')
    assert.equal(await get('203.0.113.1'), 'hello')
    assert.equal(await get('203.0.113.1', 'ip netns exec neighbour'), 'hello')
  })

  test('a container reaches beyond the bridge, and is seen there by the address of the machine', async () => {
    const server = "require('net').createServer((socket) => socket.end(socket.remoteAddress)).listen(9000, '203.0.113.2')"
    await stage.must(`systemd-run -q ip netns exec neighbour node -e "${server}"`)
    const answer = await stage.ok('run', '--rm', tiny, 'sh', '-c', 'for i in $(seq 50); do nc 203.0.113.2 9000 && exit; sleep 0.5; done; exit 1')
    assert.equal(answer, '203.0.113.1')
  })

  test('our own command line does it, too', async () => {
    assert.equal(await stage.must(`gantry run --rm -m 64m --cpus .5 ${tiny} sh -c 'cat /sys/fs/cgroup/memory.max /sys/fs/cgroup/cpu.max'`), '67108864\n50000 100000')
  })
})

/** busybox wget, static, ends in a segmentation fault on Debian 12 when it looks up a name. */
function requestTo(address: string): string {
  return `exec 3<>/dev/tcp/${address}/8080; printf "GET / HTTP/1.0\\r\\n\\r\\n" >&3; tail -n 1 <&3`
}
