import assert from 'node:assert/strict'
import { test } from 'node:test'
import { onOneMachine, tiny } from './harness/stage.ts'

const enforced = 'docker-default (enforce)'

/** A profile that lets everything be done but writing to one directory, of a name that tools have to quote. */
const custom = `profile "no-writing here" flags=(attach_disconnected) {
  capability, file, network, signal, ptrace, umount, mount,
  deny /www/** w,
}`

/** Runs a bundle of its own under a profile. */
const bundle = (profile: string, name: string) => `mkdir -p /root/${name} && cd /root/${name} && mkdir -p rootfs && tar -C rootfs -xf /root/tiny.tar
/opt/gantry/bin/gantry-runc spec
node -e 'const fs=require("fs"),c=JSON.parse(fs.readFileSync("config.json"));c.process.terminal=false;c.process.args=["cat","/proc/self/attr/current"];c.process.apparmorProfile=${JSON.stringify(profile)};fs.writeFileSync("config.json",JSON.stringify(c))'
/opt/gantry/bin/gantry-runc run ${name}`

onOneMachine('AppArmor', (stage) => {
  const profileOf = async (pid: number | string) => (await stage.must(`cat /proc/${pid}/attr/apparmor/current`)).trim()

  test('a container runs under the default profile, and so does what is executed in it', async () => {
    assert.match(await stage.must('cat /sys/kernel/security/apparmor/profiles'), /^docker-default \(enforce\)$/m)
    assert.match(await stage.ok('info', '-f', '{{.SecurityOptions}}'), /name=apparmor/)
    await using container = await stage.container(tiny, 'sleep', '999')
    assert.equal(await profileOf(container.pid), enforced)
    assert.equal(await container.inspect('{{.AppArmorProfile}}'), 'docker-default')
    assert.equal(await stage.ok('exec', container.id, 'cat', '/proc/self/attr/current'), enforced)
    assert.equal(await stage.ok('exec', '--privileged', container.id, 'cat', '/proc/self/attr/current'), enforced)
    assert.equal(await stage.ok('run', '--rm', '--security-opt', 'no-new-privileges', '-u', '1000', tiny, 'cat', '/proc/self/attr/current'), enforced)
    assert.equal(await stage.must(`gantry run --rm ${tiny} cat /proc/self/attr/current`), enforced)
  })

  test('it forbids mounting and writing to settings of the host, whatever the capabilities, and nothing that programs need', async () => {
    const all = ['--cap-add', 'ALL', '--security-opt', 'seccomp=unconfined', '--security-opt', 'systempaths=unconfined']
    const attempts = [
      'mount -t proc proc /tmp', 'mount -t tmpfs tmpfs /tmp', 'mount -o remount,rw /sys', 'mount --bind / /tmp',
      'echo 1 >/proc/sys/vm/swappiness', 'echo x >/proc/sys/kernel/core_pattern', 'echo h >/proc/sysrq-trigger', 'cat /proc/kcore',
      'echo x >/proc/sys/kernel/hostname', 'echo 1 >/sys/kernel/mm/ksm/run', 'cat /sys/kernel/security/apparmor/profiles', 'echo x >/proc/sys/fs/protected_symlinks',
    ]
    const script = attempts.map((attempt) => `(${attempt}) >/dev/null 2>/tmp/error && echo 'did ${attempt}'; grep -q 'denied' /tmp/error || echo '${attempt}:' $(cat /tmp/error)`).join('\n')
    assert.equal(await stage.ok('run', '--rm', ...all, '-v', '/sys:/sys', tiny, 'sh', '-c', script), '')
    const needed = `set -e; echo 0 >/proc/self/oom_score_adj; echo 32000 >/proc/sys/kernel/shmmni; echo 0 >/proc/sys/net/ipv4/ip_forward
      sleep 9 & kill $!; mkdir /a; chmod 700 /a; chown 5:5 /a; ln -s /a /b; su root -c true; ip addr >/dev/null; httpd -h /www -p 80; mkfifo /p; umount /dev/shm; ls /proc/1/fd >/dev/null; echo fine`
    assert.equal(await stage.ok('run', '--rm', ...all, tiny, 'sh', '-c', needed), 'fine')
    assert.equal(await stage.ok('run', '--rm', ...all, '--security-opt', 'apparmor=unconfined', tiny, 'sh', '-c', 'mount -t tmpfs tmpfs /tmp && echo mounted'), 'mounted')
  })

  test('signals and tracing stay inside, and those of the engine arrive', async () => {
    await stage.must('systemd-run -q --unit=bystander sleep 999')
    const bystander = await stage.must('systemctl show -P MainPID bystander')
    const { stderr } = await stage.docker('run', '--rm', '--pid=host', '--cap-add', 'ALL', '--security-opt', 'seccomp=unconfined', tiny, 'sh', '-c', `kill ${bystander}; readlink /proc/${bystander}/exe && echo traced >&2`)
    assert.match(stderr, /denied/i)
    assert.doesNotMatch(stderr, /traced/)
    assert.equal(await stage.must('systemctl is-active bystander'), 'active')
    await using container = await stage.container(tiny, 'sleep', '999')
    await using neighbour = await stage.container('--pid', `container:${container.id}`, tiny, 'sleep', '998')
    await stage.ok('exec', neighbour.id, 'kill', '-9', '1')
    assert.equal(await stage.ok('kill', '-s', 'KILL', neighbour.id), neighbour.id)
    assert.equal(await stage.ok('stop', '-t', '1', container.id), container.id)
  })

  test('--security-opt apparmor names another profile, none with unconfined and --privileged', async () => {
    await stage.must(`apparmor_parser -Kr <<'END'\n${custom}\nEND`)
    await using own = await stage.container('--security-opt', 'apparmor=no-writing here', tiny, 'sleep', '999')
    assert.equal(await profileOf(own.pid), 'no-writing here (enforce)')
    assert.equal(await own.inspect('{{.AppArmorProfile}}'), 'no-writing here')
    const { stderr } = await stage.docker('exec', own.id, 'touch', '/www/file', '/tmp/file')
    assert.match(stderr, /\/www\/file: Permission denied/)
    assert.doesNotMatch(stderr, /\/tmp\/file/)
    for (const flags of [['--security-opt', 'apparmor=unconfined'], ['--privileged'], ['--privileged', '--security-opt', 'apparmor=no-writing here']]) {
      await using free = await stage.container(...flags, tiny, 'sleep', '999')
      assert.equal(await profileOf(free.pid), 'unconfined', flags.join(' '))
      assert.equal(await free.inspect('{{.AppArmorProfile}}'), 'unconfined')
    }
  })

  test('a false /proc does not keep a container from being confined (CVE-2019-16884)', async () => {
    await stage.must('mkdir -p /root/false/self/attr/apparmor /root/false/thread-self/attr/apparmor; for task in self thread-self; do touch /root/false/$task/attr/exec /root/false/$task/attr/apparmor/exec; done')
    await using container = await stage.container('--network=host', '-v', '/root/false:/proc', tiny, 'sleep', '999')
    assert.equal(await profileOf(container.pid), enforced)
    await stage.ok('exec', '-d', container.id, 'sleep', '998')
    assert.equal(await stage.must("cat /proc/$(pgrep -nx sleep)/attr/apparmor/current"), enforced)
    assert.equal(await stage.must('find /root/false -type f -size +0'), '')
  })

  test('what enters a container that may trace is confined as it is elsewhere', async () => {
    for (const [option, expected] of [['docker-default', enforced], ['unconfined', 'unconfined']] as const) {
      await using container = await stage.container('--cap-add', 'SYS_PTRACE', '--security-opt', `apparmor=${option}`, tiny, 'sleep', '999')
      assert.equal(await stage.ok('exec', container.id, 'sh', '-c', 'cat /proc/self/attr/current; grep Seccomp: /proc/self/status | tr -d "\\n"; ls /proc/self/fd | wc -l'), `${expected}\nSeccomp:\t24`)
    }
  })

  test('a profile that is not loaded is named, and leaves nothing; the default one is loaded again', async () => {
    const { code, stderr } = await stage.docker('run', '--name', 'nobody', '--security-opt', 'apparmor=nowhere', tiny, 'true')
    assert.notEqual(code, 0)
    assert.match(stderr, /AppArmor profile "nowhere".*not loaded/)
    await stage.ok('rm', 'nobody')
    await stage.must('printf docker-default >/sys/kernel/security/apparmor/.remove')
    await using container = await stage.container(tiny, 'sleep', '999')
    assert.equal(await profileOf(container.pid), enforced)
  })

  test('gantry-runc confines by process.apparmorProfile, and says so when it cannot', async () => {
    assert.equal(await stage.must(bundle('docker-default', 'confined')), enforced)
    assert.equal(await stage.must(bundle('unconfined', 'free')), 'unconfined')
    const { code, stderr } = await stage.run(bundle('nowhere', 'lost'))
    assert.notEqual(code, 0)
    assert.match(stderr, /AppArmor profile nowhere/)
    assert.match(await stage.must('/opt/gantry/bin/gantry-runc features'), /"apparmor":\s*{\s*"enabled":\s*true/)
  })
})
