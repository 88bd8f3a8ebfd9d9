import assert from 'node:assert/strict'
import { readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { test } from 'node:test'
import { must } from '../harness/run.ts'
import { tools } from '../harness/stories.ts'
import { makeBundle } from './bundle.ts'
import { hostileImage } from './rootfs.ts'
import { attackEngine } from './stage.ts'

const up = '../'.repeat(12)
/** Milliseconds after which an engine that is being blocked counts as blocked. */
const timeout = 20_000

attackEngine('escapes through users and what says who they are', (stage) => {
  const refused = async (image: string, ...flags: string[]): Promise<string> => {
    const { code, stderr } = await stage.dockerWith({ timeout }, 'run', '--rm', ...flags, image, 'id')
    assert.notEqual(code, 0, stderr)
    return stderr
  }

  void test('-u 1000:1000 keeps no group of root\'s, of the image\'s or of the engine\'s (CVE-2022-2995, CVE-2022-36109)', async () => {
    assert.equal(await stage.ok('run', '--rm', '-u', '1000:1000', tools, 'id', '-G'), '1000')
    await using container = await stage.container(tools, 'sleep', '99')
    assert.equal(await stage.ok('exec', '-u', '1000:1000', container.id, 'id', '-G'), '1000')
    assert.equal(await stage.ok('exec', '-u', '500:500', container.id, 'sh', '-c', 'id -G; grep ^Cap[EPIA] /proc/self/status | cut -f2 | sort -u'), '500\n0000000000000000')
    // The group that was asked for is held as a supplementary one too, so that it cannot be shed to pass a file that denies it.
    assert.match(await stage.ok('run', '--rm', '-u', '1000:600', tools, 'cat', '/proc/self/status'), /^Groups:\t600 ?$/m)
  })

  void test('groups of the runtime\'s caller do not reach the process', async () => {
    const bundle = await makeBundle(stage.place('groups'))
    const caller = ['setpriv', '--groups', '6,44,4712', '--']
    assert.match(await must([...caller, 'id', '-G']), /6 44 4712/)
    const { stdout } = await bundle.run((spec) => {
      Object.assign(spec.process!, { user: { uid: 1000, gid: 1000 }, args: ['id', '-G'] })
    }, caller)
    assert.equal(stdout, '1000\n')
  })

  void test('a user who exists on the host alone does not exist, wherever /etc/passwd points', async () => {
    const targets = { absolute: `${stage.bait.directory}/etc/passwd`, climbing: `${up}${stage.bait.directory.slice(1)}/etc/passwd`, magic: '/proc/self/root/etc/passwd', cwd: `/proc/self/cwd/${up}${stage.bait.directory.slice(1)}/etc/passwd`, descriptor: `/proc/self/fd/0/${up}${stage.bait.directory.slice(1)}/etc/passwd` }
    for (const [name, target] of Object.entries(targets)) {
      await hostileImage(stage, `passwd-${name}`, (rootfs) => {
        rmSync(path.join(rootfs, 'etc/passwd'))
        symlinkSync(target, path.join(rootfs, 'etc/passwd'))
      })
      assert.match(await refused(`passwd-${name}`, '-u', 'trap'), /unable to find user trap: no matching entries in passwd file|cannot open \/etc\/passwd/)
    }
    await hostileImage(stage, 'etc-out', (rootfs) => {
      rmSync(path.join(rootfs, 'etc'), { recursive: true })
      symlinkSync(`${up}${stage.bait.directory.slice(1)}/etc`, path.join(rootfs, 'etc'))
    })
    assert.match(await refused('etc-out', '-u', 'trap'), /unable to find user trap/)
    assert.match(await refused('etc-out', '-u', '0:trapped'), /unable to find group trapped/)
    assert.match(await refused('etc-out', '--group-add', 'trapped'), /find group trapped/i)
  })

  void test('a fifo, a device or a directory as /etc/passwd or /etc/group blocks nobody and is not opened', async () => {
    const spoilers: Record<string, string> = { fifo: 'mkfifo F', device: 'mknod F c 1 5', watchdog: 'mknod F c 10 130', terminal: 'mknod F c 5 2', directory: 'mkdir F' }
    for (const [name, spoiler] of Object.entries(spoilers)) {
      await using container = await stage.container(tools, 'sh', '-c', `for F in passwd group; do F=/etc/$F; rm $F; ${spoiler.replace('F', '$F')}; done; exec sleep 99`)
      for (const user of ['root', 'user500', '0:extra', '1000:1000']) {
        const { code, stderr, stdout } = await stage.dockerWith({ timeout }, 'exec', '-u', user, container.id, 'true')
        assert.notEqual(code, 0, `${name}: ${user}`)
        assert.match(stderr + stdout, /it is not a file of less than 8 MiB/, `${name}: ${user}`)
      }
    }
    // A writer that waits for a reader of the fifo is still waiting: nobody opened it.
    await using waiting = await stage.container(tools, 'sh', '-c', 'rm /etc/passwd; mkfifo /etc/passwd; echo x > /etc/passwd; echo somebody opened it')
    await stage.dockerWith({ timeout }, 'exec', '-u', 'root', waiting.id, 'true')
    assert.equal(await stage.ok('logs', waiting.id), '')
    assert.equal((await stage.engine.api({ path: '/_ping' })).status, 200)
  })

  void test('huge and senseless user files neither fill the engine\'s memory nor give rights', async () => {
    const files: Record<string, [file: string, text: string, user: string, expected: RegExp]> = {
      huge: ['passwd', `${'a'.repeat(9 << 20)}\n`, 'root', /less than 8 MiB/],
      empty: ['passwd', '', 'nobody', /unable to find user nobody/],
      dots: ['passwd', '..:x:0:0::/../../..:/bin/sh\n../x:x:0:0:::\n', '../../etc', /unable to find user/],
      letters: ['passwd', 'odd:x:zero:none::/:\n', 'odd', /./],
      large: ['passwd', 'big:x:4294967296:4294967297::/:\n', 'big', /./],
      negative: ['passwd', 'neg:x:-1:-1::/:\n', 'neg', /./],
    }
    for (const [name, [file, text, user, expected]] of Object.entries(files)) {
      await hostileImage(stage, `odd-${name}`, (rootfs) => writeFileSync(path.join(rootfs, 'etc', file), text))
      const { code, stdout, stderr } = await stage.dockerWith({ timeout }, 'run', '--rm', '-u', user, `odd-${name}`, 'id', '-u')
      assert.match(stdout + stderr, expected, name)
      assert.notEqual(`${code}:${stdout.trim()}`, '0:0', `${name} gives root`)
    }
    const status = readFileSync(`/proc/${stage.engine.pid()}/status`, 'utf8')
    assert.ok(Number(/^VmRSS:\s+(\d+)/m.exec(status)?.[1]) < 400_000, 'the engine has grown')
  })

  void test('set-user-ID files give nothing under no-new-privileges', async () => {
    const attack = ['sh', '-c', 'cp /attack/effective-user /as; chmod 4755 /as; exec sleep 99']
    await using guarded = await stage.container('--security-opt', 'no-new-privileges', ...stage.armed, tools, ...attack)
    await using open = await stage.container(...stage.armed, tools, ...attack)
    const ask = (id: string) => stage.ok('exec', '-u', '500', id, 'sh', '-c', 'while [ ! -u /as ]; do sleep 0.1; done; /as')
    assert.equal(await ask(guarded.id), '500 500')
    assert.equal(await ask(open.id), '500 0')
  })
})
