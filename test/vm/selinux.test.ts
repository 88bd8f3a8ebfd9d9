import assert from 'node:assert/strict'
import { test } from 'node:test'
import { onOneMachine, tiny } from './harness/stage.ts'
import { policy } from './selinux/policy.ts'

/** Loads the policy in one write, says what it calls containers, and starts an engine that is to use it. */
const prepare = `set -e
mountpoint -q /sys/fs/selinux || mount -t selinuxfs selinuxfs /sys/fs/selinux
cd /root && cat >policy.cil <<'END'
${policy}
END
secilc -M 1 -c 33 -o policy.33 -f /dev/null policy.cil
dd if=policy.33 of=/sys/fs/selinux/load bs=64M status=none
mkdir -p /etc/selinux/own/contexts /etc/gantry
printf 'SELINUX=permissive\\nSELINUXTYPE=own\\n' >/etc/selinux/config
printf 'process = "system_u:system_r:container_t:s0"\\nfile = "system_u:object_r:container_file_t:s0"\\nro_file = "system_u:object_r:container_ro_file_t:s0"\\n' >/etc/selinux/own/contexts/lxc_contexts
echo '{"selinux-enabled": true}' >/etc/gantry/daemon.json
systemctl stop gantryd`

const confined = /^system_u:system_r:container_t:(s0:c\d+,c\d+)$/
const level = (label: string): string => label.split(':').slice(3).join(':')

onOneMachine('SELinux', (stage) => {
  const labelOf = async (pid: number | string) => (await stage.must(`tr -d '\\0' </proc/${pid}/attr/current`)).trim()
  const fileLabel = async (path: string) => await stage.must(`stat -c %C ${path}`)

  test('an engine without --selinux-enabled leaves labels alone; with it, the policy is loaded and enforced', async () => {
    assert.doesNotMatch(await stage.ok('info', '-f', '{{.SecurityOptions}}'), /selinux/)
    await stage.must(prepare)
    await stage.daemon.start()
    await stage.must('echo 1 >/sys/fs/selinux/enforce')
    assert.match(await stage.ok('info', '-f', '{{.SecurityOptions}}'), /name=selinux/)
    assert.equal(await labelOf(await stage.daemon.pid()), 'system_u:system_r:kernel_t:s0-s0:c0.c1023')
  })

  test('each container has the type of containers and categories of its own, on processes and files', async () => {
    await using one = await stage.container(tiny, 'sleep', '999')
    await using other = await stage.container(tiny, 'sleep', '999')
    const labels = await Promise.all([one, other].map(({ pid }) => labelOf(pid)))
    for (const label of labels) assert.match(label, confined)
    assert.notEqual(level(labels[0] ?? ''), level(labels[1] ?? ''))
    assert.equal(await one.inspect('{{.ProcessLabel}}'), labels[0])
    const mount = `system_u:object_r:container_file_t:${level(labels[0] ?? '')}`
    assert.equal(await one.inspect('{{.MountLabel}}'), mount)
    for (const path of ['/', '/bin/busybox', '/dev', '/dev/null', '/dev/pts', '/dev/shm', '/dev/mqueue', '/etc/hosts', '/etc/resolv.conf']) assert.equal(await fileLabel(`/proc/${one.pid}/root${path}`), mount, path)
    assert.equal((await stage.ok('exec', one.id, 'cat', '/proc/self/attr/current')).replaceAll('\0', ''), labels[0])
    await using tracing = await stage.container('--cap-add', 'SYS_PTRACE', tiny, 'sleep', '999')
    assert.equal(await stage.ok('exec', tracing.id, 'sh', '-c', '[ "$(cat /proc/self/attr/current)" = "$(cat /proc/1/attr/current)" ] && echo alike'), 'alike')
    assert.equal(await stage.ok('exec', one.id, 'sh', '-c', 'echo x >/tmp/file; cat /tmp/file; ps >/dev/null && echo y'), 'x\ny')
    await stage.ok('restart', '-t', '0', one.id)
    assert.equal(await labelOf(await one.inspect('{{.State.Pid}}')), labels[0])
  })

  test('files of the host are out of reach until :z or :Z says otherwise, and those of a neighbour always', async () => {
    await stage.must('mkdir -p /srv/data/below && echo word >/srv/data/below/file')
    const read = (mode: string, ...flags: string[]) => stage.docker('run', '--rm', ...flags, '-v', `/srv/data:/data${mode}`, tiny, 'sh', '-c', 'cat /data/below/file && echo more >>/data/below/new')
    const { stderr } = await read('')
    assert.match(stderr, /Permission denied/)
    assert.equal((await read(':Z')).stdout, 'word\n')
    assert.match(await fileLabel('/srv/data/below/file'), /^system_u:object_r:container_file_t:s0:c\d+,c\d+$/)
    assert.match((await read('')).stderr, /Permission denied/, 'another container, other categories')
    assert.equal((await read(':z')).stdout, 'word\n')
    assert.equal(await fileLabel('/srv/data/below/new'), 'system_u:object_r:container_file_t:s0')
    assert.equal((await read('')).stdout, 'word\n')
    assert.match((await stage.docker('run', '--rm', '-v', '/etc:/data:Z', tiny, 'true')).stderr, /SELinux relabeling of \/etc is not allowed/)
    assert.equal(await fileLabel('/etc/passwd'), 'system_u:object_r:host_file_t:s0')
    assert.equal(await stage.ok('run', '--rm', '-v', '/volume', '--tmpfs', '/t', tiny, 'sh', '-c', 'touch /volume/file /t/file && echo made'), 'made')
  })

  test('--security-opt label= changes what it names, and disable, --privileged and the namespaces of the host lift it', async () => {
    const labels = async (...flags: string[]) => {
      await using container = await stage.container(...flags, tiny, 'sleep', '999')
      return [await labelOf(container.pid), await container.inspect('{{.MountLabel}}')]
    }
    const changed = await labels('--security-opt', 'label=type:other_container_t', '--security-opt', 'label=level:s0:c7,c9', '--security-opt', 'label=filetype:container_file_t')
    assert.deepEqual(changed, ['system_u:system_r:other_container_t:s0:c7,c9', 'system_u:object_r:container_file_t:s0:c7,c9'])
    for (const flags of [['--security-opt', 'label=disable'], ['--privileged'], ['--pid=host']]) assert.match((await labels(...flags))[0] ?? '', /:kernel_t:/, flags.join(' '))
    await using donor = await stage.container('--ipc=shareable', tiny, 'sleep', '999')
    assert.equal((await labels('--ipc', `container:${donor.id}`))[0], await labelOf(donor.pid))
    assert.match((await stage.docker('run', '--rm', '--security-opt', 'label=nothing', tiny, 'true')).stderr, /Bad label option "nothing", valid options 'disable' or/)
    assert.match((await stage.docker('run', '--rm', '--security-opt', 'label=type:nowhere_t', tiny, 'true')).stderr, /system_u:system_r:nowhere_t.*does not know/)
  })

  test('labels outlive the daemon', async () => {
    await using container = await stage.container(tiny, 'sleep', '999')
    const label = await labelOf(container.pid)
    await stage.daemon.kill9()
    await stage.daemon.start()
    assert.equal(await container.inspect('{{.ProcessLabel}}'), label)
    assert.equal((await stage.ok('exec', container.id, 'cat', '/proc/self/attr/current')).replaceAll('\0', ''), label)
  })

  test('gantry-runc labels by process.selinuxLabel and linux.mountLabel', async () => {
    const script = `mkdir -p /root/bundle && cd /root/bundle && mkdir -p rootfs && tar -C rootfs -xf /root/tiny.tar
/opt/gantry/bin/gantry-runc spec
chcon -R system_u:object_r:container_file_t:s0:c1,c2 rootfs
node -e 'const fs=require("fs"),c=JSON.parse(fs.readFileSync("config.json"));c.process.terminal=false;c.process.args=["sh","-c","cat /proc/self/attr/current; ls /dev/shm; touch /dev/file"];c.process.selinuxLabel="system_u:system_r:container_t:s0:c1,c2";c.linux.mountLabel="system_u:object_r:container_file_t:s0:c1,c2";fs.writeFileSync("config.json",JSON.stringify(c))'
/opt/gantry/bin/gantry-runc run labelled`
    assert.equal((await stage.must(script)).replaceAll('\0', ''), 'system_u:system_r:container_t:s0:c1,c2')
    assert.match(await stage.must('/opt/gantry/bin/gantry-runc features'), /"selinux":\s*{\s*"enabled":\s*true/)
  })
}, { security: 'selinux' })
