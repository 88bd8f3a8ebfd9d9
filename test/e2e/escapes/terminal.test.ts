import assert from 'node:assert/strict'
import { existsSync, mkdirSync, rmSync, symlinkSync, writeFileSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { must } from '../harness/run.ts'
import { tools } from '../harness/stories.ts'
import { openTerminal } from '../harness/terminal.ts'
import { makeBundle } from './bundle.ts'
import { attackEngine } from './stage.ts'

attackEngine('escapes through the terminal', (stage) => {
  void test('text pushed into the terminal (TIOCSTI) is not typed on the host', async () => {
    const trace = path.join(stage.place('typed'), 'trace')
    await using terminal = await openTerminal(stage)
    for (const flags of ['-it', '-i', '-t']) {
      await terminal.type(`$D run ${flags} --rm -v ${stage.attackers}:/attack:ro tools /attack/push-input 'echo x > ${trace}' </dev/tty; echo "over $((40+2))"`)
      await terminal.shows(/over 42/)
      await terminal.type('clear')
    }
    await sleep(500)
    assert.equal(existsSync(trace), false, 'the container typed on the host')
    // Without a container in between the same program does type, where the kernel still allows it.
    if ((await must(['sysctl', '-n', 'dev.tty.legacy_tiocsti']).catch(() => '1')) !== '1') return
    await terminal.type(`${stage.attackers}/push-input 'echo x > ${trace}'`)
    await sleep(1500)
    assert.equal(existsSync(trace), true, 'the attack itself does not work here')
  })

  void test('the terminal belongs to the container: its own devpts, and no other terminal to open', async () => {
    await using terminal = await openTerminal(stage)
    const host = await must(['stat', '-c', '%d', '/dev/pts'])
    await terminal.type('$D run -it --rm tools sh -c \'echo device-$(stat -c %d /dev/pts)-; ls /dev/pts | tr "\\n" " "; tty; cat /dev/pts/1\'')
    await terminal.shows(/device-\d+-\s+0 ptmx \/dev\/pts\/0/)
    await terminal.shows(/can't open '\/dev\/pts\/1'/)
    await assert.rejects(terminal.shows(new RegExp(`device-${host}-`), 300))
  })

  void test('/dev/console is bound on nothing but itself, whatever the root file system has there (CVE-2025-52565)', async () => {
    const victim = path.join(stage.place('victim'), 'console')
    writeFileSync(victim, 'unchanged\n')
    for (const [name, target] of Object.entries({ host: victim, setting: '/proc/sys/kernel/core_pattern', masked: '/proc/keys', self: '/proc/self/fd/4' })) {
      const bundle = await makeBundle(stage.place(`console-${name}`))
      mkdirSync(path.join(bundle.rootfs, 'dev/pts'), { recursive: true })
      rmSync(path.join(bundle.rootfs, 'dev/console'), { force: true })
      symlinkSync(target, path.join(bundle.rootfs, 'dev/console'))
      const { stdout, stderr } = await bundle.run((spec) => {
        spec.process!.terminal = true
        spec.root!.readonly = false
        spec.mounts = spec.mounts!.filter(({ destination }) => destination !== '/dev')
        spec.process!.args = ['sh', '-c', 'echo OWNED > /dev/console; echo OWNED > /proc/sys/kernel/core_pattern; stat -c keys:%t:%T /proc/keys; echo over']
      })
      // Inside, the terminal may stand where the link leads; no file of the host and no hidden file may stand for the terminal.
      assert.match(stdout + stderr, /keys:1:3\s+over|No such file|no such file|symbolic links/, name)
    }
    assert.equal(readFileSync(victim, 'utf8'), 'unchanged\n')
    assert.doesNotMatch(readFileSync('/proc/sys/kernel/core_pattern', 'utf8'), /OWNED/)
  })

  void test('an exec with a terminal is not led astray by what the container made of /dev/pts', async () => {
    for (const spoiler of ['mount -t tmpfs none /dev/pts; mkfifo /dev/pts/ptmx', 'mount -t tmpfs none /dev/pts; ln -s /proc/self/fd/4 /dev/pts/ptmx', 'umount /dev/pts; rmdir /dev/pts; ln -s /proc/self/fd /dev/pts', 'mount -t tmpfs none /dev/pts; mknod /dev/pts/ptmx c 1 5']) {
      await using container = await stage.container('--cap-add', 'SYS_ADMIN', tools, 'sh', '-c', `${spoiler}; exec sleep 99`)
      await using terminal = await openTerminal(stage)
      await terminal.type(`$D exec -it ${container.id} echo reached; echo "ended $((40+2))"`)
      await terminal.shows(/ended 42/)
    }
    assert.equal(await stage.ok('run', '--rm', tools, 'echo', 'fine'), 'fine')
  })
})
