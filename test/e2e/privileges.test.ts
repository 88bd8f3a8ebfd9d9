import assert from 'node:assert/strict'
import path from 'node:path'
import { test } from 'node:test'
import { read } from './harness/processes.ts'
import { must, run } from './harness/run.ts'
import { privilegedMissing, tiny, tools, throughEachClient } from './harness/stories.ts'

const changeMac = 'ip link set eth0 address 02:0a:03:0b:04:0c && ip link show eth0'

const effective = (pid: number) => /^CapEff:\t(\w+)$/m.exec(read(`/proc/${pid}/status`))?.[1]

throughEachClient('privileges', (stage) => {
  void test('the MAC address cannot be changed', async () => {
    const { code, stderr } = await stage.docker('run', '--rm', tools, 'ip', 'link', 'set', 'eth0', 'address', '02:0a:03:0b:04:0c')
    assert.equal(stderr.trim(), 'RTNETLINK answers: Operation not permitted')
    assert.equal(code, 2)
  })

  void test('--privileged can change it, and mount a disk of the host', privilegedMissing, async () => {
    assert.match(await stage.ok('run', '--rm', '--privileged', tools, 'sh', '-c', changeMac), /link\/ether 02:0a:03:0b:04:0c/)
    const image = path.join(stage.engine.directory, 'disk.img')
    await must(['truncate', '-s', '8M', image])
    await must(['mkfs.ext4', '-q', '-F', image])
    const device = await must(['losetup', '--show', '-f', image])
    try {
      assert.match(await stage.ok('run', '--rm', '--privileged', tools, 'sh', '-c', `mount ${device} /mnt && ls /mnt`), /lost\+found/)
    } finally {
      await run(['losetup', '-d', device])
    }
  })

  void test('--privileged has every capability the engine has, and no seccomp filter', privilegedMissing, async () => {
    await using container = await stage.container('--privileged', tiny, 'sleep', '99')
    assert.equal(effective(container.pid), effective(stage.engine.pid()))
    assert.match(read(`/proc/${container.pid}/status`), /^Seccomp:\t0$/m)
  })

  void test('--cap-add=NET_ADMIN changes the MAC address and still cannot mount', async () => {
    const result = await stage.docker('run', '--rm', '--cap-add=NET_ADMIN', tools, 'sh', '-c', `${changeMac}; mount -t tmpfs none /mnt`)
    assert.match(result.stdout, /02:0a:03:0b:04:0c/)
    assert.match(result.stderr, /permission denied/)
    assert.notEqual(result.code, 0)
  })

  void test('tcpdump captures by default and not after --cap-drop=NET_RAW', async () => {
    const capture = ['timeout', '-s', 'INT', '2', 'tcpdump', '-i', 'eth0', '-c', '1']
    const allowed = await stage.docker('run', '--rm', tools, ...capture)
    assert.match(allowed.stderr, /listening on eth0, link-type EN10MB/)
    const dropped = await stage.docker('run', '--rm', '--cap-drop=NET_RAW', tools, ...capture)
    assert.match(dropped.stderr, /You don't have permission to (perform this )?capture on that device/)
    assert.match(dropped.stderr, /Operation not permitted/)
  })

  void test('--cap-drop ALL leaves none', async () => {
    await using container = await stage.container('--cap-drop', 'ALL', tiny, 'sleep', '99')
    assert.match(read(`/proc/${container.pid}/status`), /^CapEff:\t0+$/m)
  })

  void test('--security-opt no-new-privileges is set in the kernel', async () => {
    await using container = await stage.container('--security-opt', 'no-new-privileges', tiny, 'sleep', '99')
    assert.match(read(`/proc/${container.pid}/status`), /^NoNewPrivs:\t1$/m)
  })

  void test('seccomp filters by default', async () => {
    await using container = await stage.container(tiny, 'sleep', '99')
    assert.match(read(`/proc/${container.pid}/status`), /^Seccomp:\t2$/m)
  })

  void test('umount is refused, as strace shows', async () => {
    const { code, stderr } = await stage.docker('run', '--rm', tools, 'strace', '-e', 'trace=umount2', 'umount', '/sys')
    assert.match(stderr, /umount2\("\/sys", 0\)\s+= -1 EPERM/)
    assert.match(stderr, /must be superuser to unmount/)
    assert.notEqual(code, 0)
  })

  void test('--cap-add=SYS_ADMIN may umount and mount', async () => {
    const { code, stderr } = await stage.docker(
      'run', '--rm', '--cap-add=SYS_ADMIN', tools, 'sh', '-c',
      'strace -e trace=umount2 umount /dev/mqueue && mount -t tmpfs none /mnt',
    )
    assert.match(stderr, /umount2\("\/dev\/mqueue", 0\)\s+= 0/)
    assert.equal(code, 0, stderr)
  })

  void test('unshare of a user namespace is refused by default', async () => {
    const { code, stderr } = await stage.docker('run', '--rm', tools, 'unshare', '-U', 'true')
    assert.notEqual(code, 0)
    assert.match(stderr, /Operation not permitted/)
  })

  void test('--security-opt seccomp=unconfined takes the filter away', async () => {
    await using container = await stage.container('--security-opt', 'seccomp=unconfined', tiny, 'sleep', '99')
    assert.match(read(`/proc/${container.pid}/status`), /^Seccomp:\t0$/m)
  })

  void test('/proc and /sys hide and protect what Docker hides and protects', async () => {
    await using container = await stage.container(tiny, 'sleep', '99')
    const inside = async (command: string) => stage.docker('exec', container.id, 'sh', '-c', command)
    assert.equal((await inside('cat /proc/keys /proc/timer_list')).stdout, '')
    assert.match((await inside('echo 1 > /proc/sys/kernel/domainname')).stderr, /Read-only file system/)
    const mounts = read(`/proc/${container.pid}/mountinfo`)
    for (const place of ['/proc/bus', '/proc/fs', '/proc/sys', '/sys']) assert.match(mounts, new RegExp(` ${place} ro[, ]`), place)
  })

  void test('--ulimit sets both limits', async () => {
    await using container = await stage.container('--ulimit', 'nofile=300:400', tiny, 'sleep', '99')
    assert.match(read(`/proc/${container.pid}/limits`), /^Max open files\s+300\s+400\s/m)
  })

  void test('--read-only protects the root and --tmpfs gives a place to write', async () => {
    const { code, stdout, stderr } = await stage.docker('run', '--rm', '--read-only', '--tmpfs', '/scratch:size=1m', tiny, 'sh', '-c', 'echo x > /scratch/x; cat /scratch/x; echo x > /x')
    assert.equal(stdout, 'x\n')
    assert.match(stderr, /Read-only file system/)
    assert.equal(code, 1)
  })

  void test('--init gives a PID 1 that reaps', async () => {
    await using container = await stage.container('--init', tiny, 'sh', '-c', '(sleep 0.2 &); exec sleep 99')
    assert.notEqual(await stage.ok('exec', container.id, 'cat', '/proc/1/comm'), 'sleep')
    const zombies = await stage.ok('exec', container.id, 'sh', '-c', 'sleep 0.5; cat /proc/[0-9]*/stat | grep -c ") Z " || true')
    assert.equal(zombies, '0')
  })
})
