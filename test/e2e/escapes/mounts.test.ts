import assert from 'node:assert/strict'
import { existsSync, mkdirSync, readFileSync, readdirSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { test } from 'node:test'
import { read } from '../harness/processes.ts'
import { tools } from '../harness/stories.ts'
import { makeBundle } from './bundle.ts'
import { hostileImage } from './rootfs.ts'
import { attackEngine } from './stage.ts'

const up = '../'.repeat(12)

attackEngine('escapes through mounts', (stage) => {
  /** Links that lead to the bait, for whoever resolves them on the host. */
  const leading = () => ({ absolute: stage.bait.directory, climbing: `${up}${stage.bait.directory.slice(1)}` })

  void test('a volume whose target is a symlink in the image stays in the container', async () => {
    for (const [name, target] of Object.entries(leading())) {
      await hostileImage(stage, `target-${name}`, (rootfs) => {
        // The same path exists inside: that is where the link may lead.
        mkdirSync(path.join(rootfs, stage.bait.directory), { recursive: true })
        symlinkSync(target, path.join(rootfs, 'data'))
      })
      const volume = stage.place(`volume-${name}`)
      const flags = ['-v', `${volume}:/data`, '-v', `${volume}:/data/new/place`, '--tmpfs', '/data/etc/tmp', '-v', `${path.join(stage.attackers, 'swap')}:/data/new/file:ro`]
      const { code, stderr } = await stage.docker('run', '--rm', ...flags, `target-${name}`, 'touch', '/data/inside')
      assert.equal(code, 0, stderr)
      assert.ok(existsSync(path.join(volume, 'inside')), 'the volume is not where it was asked for')
      await stage.bait.assertUntouched()
    }
  })

  void test('an image whose /etc, /dev and /var are symlinks gets the engine\'s files inside itself', async () => {
    for (const [name, target] of Object.entries(leading())) {
      await hostileImage(stage, `etc-${name}`, (rootfs) => {
        for (const directory of ['etc', 'dev', 'var']) {
          mkdirSync(path.join(rootfs, stage.bait.directory, directory), { recursive: true })
          rmSync(path.join(rootfs, directory), { recursive: true })
          symlinkSync(`${target}/${directory}`, path.join(rootfs, directory))
        }
      })
      const { stdout, stderr } = await stage.docker('run', '--rm', '-w', '/var/deep/er', '--tmpfs', '/var/t', `etc-${name}`, 'sh', '-c', 'pwd -P; cat /etc/hosts; cat /etc/passwd; true')
      assert.doesNotMatch(stdout, /trap/)
      assert.match(stdout + stderr, new RegExp(`${stage.bait.directory}/var/deep/er[^]*localhost`))
      await stage.bait.assertUntouched()
    }
  })

  void test('/proc and /sys that are symlinks are refused, not followed (CVE-2019-19921)', async () => {
    for (const place of ['proc', 'sys']) {
      await hostileImage(stage, `link-${place}`, (rootfs) => {
        rmSync(path.join(rootfs, place), { recursive: true })
        mkdirSync(path.join(rootfs, 'elsewhere'))
        symlinkSync('/elsewhere', path.join(rootfs, place))
      })
      const { code, stderr } = await stage.docker('run', '--rm', `link-${place}`, 'true')
      assert.notEqual(code, 0)
      assert.match(stderr, /too many levels of symbolic links/)
    }
  })

  void test('what the runtime writes to /proc goes to procfs or nowhere (CVE-2019-16884, CVE-2025-52881)', async () => {
    const fake = stage.place('fake-proc')
    const victim = path.join(stage.place('victim'), 'file')
    writeFileSync(victim, 'unchanged\n')
    mkdirSync(path.join(fake, 'sys/net/ipv4'), { recursive: true })
    for (const name of ['ip_unprivileged_port_start', 'ping_group_range']) symlinkSync(victim, path.join(fake, 'sys/net/ipv4', name))
    for (const destination of ['/proc', '/proc/sys']) {
      const { code } = await stage.docker('run', '--rm', '-v', `${destination === '/proc' ? fake : path.join(fake, 'sys')}:${destination}`, tools, 'true')
      assert.notEqual(code, 0, destination)
    }
    await hostileImage(stage, 'fake-proc', (rootfs) => {
      mkdirSync(path.join(rootfs, 'proc/self/attr'), { recursive: true })
      for (const name of ['self/attr/exec', 'self/attr/current', 'self/oom_score_adj']) symlinkSync(victim, path.join(rootfs, 'proc', name))
    }, ['VOLUME /proc'])
    await stage.docker('run', '--rm', '--oom-score-adj', '500', 'fake-proc', 'true')
    assert.equal(readFileSync(victim, 'utf8'), 'unchanged\n')
  })

  void test('an exec does not write through a false /proc', async () => {
    await using container = await stage.container('--cap-add', 'SYS_ADMIN', '--oom-score-adj', '500', tools, 'sleep', '99')
    const lay = 'mount -t tmpfs none /proc && mkdir -p /proc/self/attr && echo kept > /proc/self/oom_score_adj && ln -s self /proc/thread-self && echo laid'
    assert.equal(await stage.ok('exec', container.id, 'sh', '-c', lay), 'laid')
    assert.equal(await stage.ok('exec', container.id, 'cat', '/proc/self/oom_score_adj'), 'kept')
  })

  void test('a container that swaps a shared directory for a symlink does not divert the mounts of another (CVE-2021-30465)', async () => {
    const shared = stage.place('shared')
    const inner = stage.place('inner')
    mkdirSync(path.join(shared, 'a'))
    symlinkSync(`/${up}${stage.bait.directory.slice(1)}`, path.join(shared, 'b'))
    await using swapper = await stage.container('-v', `${shared}:/shared`, ...stage.armed, tools, '/attack/swap', '12', '/shared/a', '/shared/b')
    let landed = 0
    for (let round = 0; round < 40; round++) {
      const name = `n${round}`
      const { stdout } = await stage.docker('run', '--rm', '-v', `${shared}:/shared`, '-v', `${inner}:/shared/a/${name}/deep`, '-v', `${stage.attackers}/swap:/shared/a/file-${name}:ro`, '-w', `/shared/a/cwd-${name}`, tools, 'sh', '-c', 'touch here; echo landed')
      if (stdout === 'landed\n') landed++
    }
    assert.ok(landed > 0, 'no mount was ever made')
    await stage.docker('wait', swapper.id)
    assert.match(await stage.ok('logs', swapper.id), /^swapped [1-9]\d{3,}$/m, 'the attack did not swap')
    await stage.bait.assertUntouched()
    assert.deepEqual(readdirSync(inner), [])
  })

  void test('masks use the real null device, whatever /dev/null of the image is (CVE-2025-31133)', async () => {
    const bundle = await makeBundle(stage.place('masks'))
    const victim = path.join(stage.place('victim'), 'mask')
    writeFileSync(victim, 'unchanged\n')
    for (const target of ['/proc/sys/kernel/core_pattern', victim, `${up}${victim.slice(1)}`]) {
      rmSync(path.join(bundle.rootfs, 'dev/null'), { force: true })
      symlinkSync(target, path.join(bundle.rootfs, 'dev/null'))
      const { stdout, stderr } = await bundle.run((spec) => {
        spec.mounts = spec.mounts!.filter(({ destination }) => !destination.startsWith('/dev'))
        spec.linux!.maskedPaths = ['/proc/keys', '/proc/timer_list', '/proc/uptime']
        spec.process!.args = ['sh', '-c', 'stat -c %n:%t:%T /proc/keys /proc/uptime; cat /proc/keys /proc/uptime; (echo OWNED > /proc/uptime) && echo swallowed; cat /proc/uptime']
      })
      assert.equal(stdout, '/proc/keys:1:3\n/proc/uptime:1:3\nswallowed\n', stderr)
    }
    assert.equal(readFileSync(victim, 'utf8'), 'unchanged\n')
    assert.doesNotMatch(read('/proc/sys/kernel/core_pattern'), /OWNED/)
  })

  void test('the source of a bind is resolved once: a swap after that changes nothing', async () => {
    const place = stage.place('source')
    mkdirSync(path.join(place, 'given'))
    writeFileSync(path.join(place, 'given/file'), 'given\n')
    await using container = await stage.container('-v', `${place}/given:/given`, tools, 'sleep', '99')
    renameSync(path.join(place, 'given'), path.join(place, 'old'))
    symlinkSync(stage.bait.directory, path.join(place, 'given'))
    assert.equal(await stage.ok('exec', container.id, 'sh', '-c', 'cat /given/file; cat /given/secret 2>/dev/null; cat /given/../secret 2>/dev/null; true'), 'given')
  })

  void test('symlinks made in a shared directory are read inside the container only', async () => {
    const place = stage.place('links')
    for (const [name, target] of Object.entries(leading())) symlinkSync(`${target}/secret`, path.join(place, name))
    const { stdout } = await stage.docker('run', '--rm', '-v', `${place}:/links`, tools, 'cat', '/links/absolute', '/links/climbing')
    assert.equal(stdout, '')
  })

  void test('a bundle whose root file system has links out of it keeps them in', async () => {
    const bundle = await makeBundle(stage.place('outside'))
    mkdirSync(path.join(bundle.rootfs, stage.bait.directory), { recursive: true })
    symlinkSync(stage.bait.directory, path.join(bundle.rootfs, 'out'))
    const { stdout, stderr } = await bundle.run((spec) => {
      spec.root!.readonly = false
      spec.mounts!.push({ destination: '/out/etc/new', type: 'tmpfs', source: 'tmpfs' }, { destination: '/out/x', type: 'bind', source: bundle.rootfs, options: ['bind'] })
      spec.linux!.devices = [{ path: '/dev/extra/null', type: 'c', major: 1, minor: 3 }]
      Object.assign(spec.process!, { cwd: '/out/made', args: ['sh', '-c', 'pwd -P; cat /out/secret; ls /out'] })
    })
    assert.equal(stdout, `${stage.bait.directory}/made\netc\nmade\nx\n`, stderr)
    await stage.bait.assertUntouched()
  })

  void test('mounts of a container do not come back to the host', async () => {
    const place = stage.place('propagation')
    await using container = await stage.container('--cap-add', 'SYS_ADMIN', '-v', `${place}:/p`, tools, 'sh', '-c', 'mkdir -p /p/m; mount -t tmpfs none /p/m; mount -t tmpfs none /mnt; touch /p/m/x; exec sleep 99')
    assert.equal(await stage.ok('exec', container.id, 'grep', '-c', ' /p/m ', '/proc/self/mountinfo'), '1')
    assert.doesNotMatch(read('/proc/self/mountinfo'), new RegExp(` ${place}/m `))
    assert.deepEqual(readdirSync(path.join(place, 'm')), [])
  })
})
