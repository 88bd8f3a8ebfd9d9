import assert from 'node:assert/strict'
import { test } from 'node:test'
import { read } from '../harness/processes.ts'
import { privilegedMissing, tools } from '../harness/stories.ts'
import { attackEngine } from './stage.ts'

attackEngine('escapes through /proc and /sys', (stage) => {
  const inside = async (script: string, ...flags: string[]): Promise<string> => (await stage.docker('run', '--rm', ...flags, tools, 'sh', '-c', `(${script}) 2>&1`)).stdout

  void test('masks can be neither taken away nor got around', async () => {
    const ways = [
      'umount /proc/keys', 'umount -l /proc/keys', 'mount -o remount,rw /proc', 'mount -o remount,rw,bind /proc/sys', 'mount -t proc none /mnt',
      'mount --bind /proc /mnt', 'mount --move /proc/keys /mnt', 'mount -t tmpfs none /proc', 'mount -t sysfs none /mnt', 'rm -f /proc/keys', 'mv /proc/keys /tmp/keys',
      'unshare -m umount /proc/keys', 'unshare -Urm umount /proc/keys', 'chroot / umount /proc/keys', 'nsenter -t 1 -m umount /proc/keys',
    ]
    const attack = `${ways.map((way) => `${way} && echo "did: ${way}"`).join('; ')}; cat /proc/keys /proc/timer_list /proc/interrupts; stat -c %t:%T /proc/keys; ls /sys/firmware | wc -l; ls /mnt`
    const said = await inside(attack)
    assert.doesNotMatch(said, /^did:/m)
    assert.match(said, /^1:3\n0\n$/m)
    // With CAP_SYS_ADMIN and no filter the same commands work: the attack is a real one.
    assert.match(await inside(attack, '--cap-add', 'SYS_ADMIN', '--security-opt', 'seccomp=unconfined'), /^did: umount \/proc\/keys$/m)
  })

  void test('a user namespace does not lift masks, even when no filter forbids to make one', async () => {
    const attack = 'unshare -Urm sh -c "umount /proc/keys && echo lifted; mount -t proc none /mnt && echo mounted; mount --bind /proc /mnt && echo bound; mount -o remount,bind,rw /proc/sys && echo writable"; true'
    const said = await inside(attack, '--security-opt', 'seccomp=unconfined')
    assert.doesNotMatch(said, /lifted|mounted|bound|writable/)
    assert.match(said, /umount: can't unmount \/proc\/keys: Invalid argument/, 'the user namespace was not made')
  })

  void test('memory and keys of the host cannot be read', privilegedMissing, async () => {
    const attack = 'for f in /proc/kcore /proc/keys /proc/timer_list /proc/interrupts /proc/latency_stats /proc/sched_debug /proc/scsi/scsi /proc/acpi/wakeup /sys/firmware/dmi /dev/mem /dev/kmem /dev/port; do [ -e $f ] && head -c 1 $f | wc -c | grep -q 1 && echo "read $f"; done; echo done'
    assert.equal(await inside(attack), 'done\n')
    assert.match(await inside(attack, '--privileged'), /^read \/proc\/interrupts$/m)
  })

  void test('settings of the machine cannot be written: core_pattern, modprobe, sysrq and the rest', privilegedMissing, async () => {
    const files = ['/proc/sys/kernel/core_pattern', '/proc/sys/kernel/modprobe', '/proc/sys/kernel/hotplug', '/proc/sys/vm/swappiness', '/proc/sys/fs/file-max', '/proc/sys/kernel/panic', '/proc/irq/default_smp_affinity', '/sys/kernel/uevent_helper', '/sys/kernel/mm/transparent_hugepage/enabled', '/sys/module/kernel/parameters/panic']
    const before = files.map(read)
    // What was read is what is written, so that even a success changes nothing.
    const attack = `for f in ${files.join(' ')}; do [ -e $f ] && v=$(cat $f | sed "s/.*\\[\\(.*\\)\\].*/\\1/") && (echo "$v" > $f) 2>/dev/null && echo "wrote $f"; done; (echo h > /proc/sysrq-trigger) 2>/dev/null && echo "wrote sysrq"; echo done`
    assert.equal(await inside(attack), 'done\n')
    assert.equal(await inside(attack, '--cap-add', 'DAC_OVERRIDE', '--cap-add', 'SYS_RESOURCE', '--security-opt', 'seccomp=unconfined'), 'done\n')
    const open = await inside(attack, '--privileged')
    for (const file of ['/proc/sys/kernel/core_pattern', '/proc/sys/vm/swappiness']) assert.match(open, new RegExp(`^wrote ${file}$`, 'm'))
    assert.deepEqual(files.map(read), before)
  })

  void test('sysctls of the host are refused before anything is made', async () => {
    for (const key of ['kernel.core_pattern', 'vm.swappiness', 'kernel.shm_rmid_forced/../core_pattern', 'net/../kernel/core_pattern', 'net.ipv4/../../kernel.core_pattern']) {
      const { code } = await stage.docker('run', '--rm', '--sysctl', `${key}=|/bin/false`, tools, 'true')
      assert.notEqual(code, 0, key)
    }
    const { code } = await stage.docker('run', '--rm', '--network=host', '--sysctl', 'net.ipv4.ip_forward=0', tools, 'true')
    assert.notEqual(code, 0, 'a network setting in the network of the host')
    assert.doesNotMatch(read('/proc/sys/kernel/core_pattern'), /false/)
  })
})
