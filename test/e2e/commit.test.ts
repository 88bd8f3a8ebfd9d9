import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { execFileSync } from 'node:child_process'
import { mkdirSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { after, before, describe, test } from 'node:test'
import { makeClient, type Client } from './harness/client.ts'
import { startEngine, type Engine } from './harness/engine.ts'
import { provideImages, rootfsArchive } from './harness/image.ts'
import { must } from './harness/run.ts'
import { engineUnderTest, tiny, throughEachClient } from './harness/stories.ts'

const isOriginal = engineUnderTest === 'dockerd'

throughEachClient('commit and export', (stage) => {
  const at = (...names: string[]) => path.join(stage.engine.directory, ...names)
  const image = async (name: string) => (JSON.parse(await stage.ok('inspect', '--type', 'image', name)) as ImageView[])[0]!

  void test('an image of a running container has its changes, and none of its mounts', async () => {
    await using container = await stage.container('-v', '/volume', '--tmpfs', '/memory', '-e', 'WHO=me', tiny, 'sh', '-c', 'echo new > /etc/new; rm /not-executable; mkdir -p /usr/local/x; echo v > /volume/v; echo m > /memory/m; chmod 1700 /root; sleep 999')
    const since = String(Math.floor(Date.now() / 1000))
    await must(['sh', '-c', `until '${stage.program}' diff ${container.id} | grep -q '/root'; do sleep 0.1; done`], { env: stage.env })
    const id = await stage.ok('commit', '-a', 'Ada <ada@example.com>', '-m', 'a word', '-c', 'ENV MORE=yes', '-c', 'CMD ["cat", "/etc/new"]', '-c', 'LABEL a=b', container.id, 'made:1')
    const made = await image('made:1')
    assert.equal(made.Id, id)
    assert.deepEqual([made.Author, made.Comment, made.Parent], ['Ada <ada@example.com>', 'a word', (await image(tiny)).Id])
    assert.deepEqual(made.Config.Cmd, ['cat', '/etc/new'])
    assert.deepEqual(made.Config.Labels, { a: 'b' })
    assert.ok(['WHO=me', 'MORE=yes'].every((entry) => made.Config.Env.includes(entry)))
    assert.equal(await stage.ok('run', '--rm', 'made:1'), 'new')
    assert.equal(await stage.ok('run', '--rm', 'made:1', 'sh', '-c', 'ls /not-executable 2>/dev/null; stat -c %a /root; ls -d /usr/local/x'), '1700\n/usr/local/x')
    assert.match((await stage.ok('history', '--no-trunc', 'made:1')).split('\n')[1] ?? '', /sh -c echo new .* a word$/)
    await stage.ok('save', '-o', at('made.tar'), 'made:1')
    const [manifest] = JSON.parse(await must(['tar', '-xOf', at('made.tar'), 'manifest.json'])) as { Layers: string[]; Config: string }[]
    const layers = manifest!.Layers.map((name) => execFileSync('tar', ['-xOf', at('made.tar'), name], { maxBuffer: 1 << 28 }))
    assert.deepEqual(layers.map((bytes) => `sha256:${createHash('sha256').update(bytes).digest('hex')}`), made.RootFS.Layers)
    const members = execFileSync('tar', ['-t'], { input: layers.at(-1)! }).toString().trim().split('\n')
    const expected = ['.wh.not-executable', 'etc/', 'etc/new', 'root/', 'usr/', 'usr/local/', 'usr/local/x/']
    if (!isOriginal) assert.deepEqual(members.filter((name) => !/^(volume|memory)\/$/.test(name)).toSorted(), expected)
    const events = await stage.ok('events', '--since', since, '--until', String(Math.ceil(Date.now() / 1000)), '--filter', `container=${container.id}`, '--format', '{{.Action}} {{index .Actor.Attributes "imageRef"}}')
    const seen = events.split('\n').filter((line) => /commit|pause/.test(line))
    assert.deepEqual(seen.map((line) => line.trim()), isOriginal ? seen.map((line) => line.trim()) : ['pause', 'unpause', 'commit made:1'])
    await stage.ok('rmi', 'made:1')
  })

  void test('a commit of a stopped container, without a name, is a dangling child', async () => {
    const container = await stage.ok('create', tiny, 'true')
    const id = await stage.ok('commit', '--pause=false', container)
    assert.equal(await stage.ok('images', '-q', '--no-trunc', '--filter', 'dangling=true'), id)
    assert.equal((await image(id)).RootFS.Layers.length, 1)
    assert.match((await stage.docker('commit', container, 'UPPER')).stderr, /invalid reference format/)
    assert.match((await stage.docker('commit', '-c', 'RUN true', container)).stderr, /(run|RUN) is not a valid change command/i)
    assert.match((await stage.docker('commit', 'no-such')).stderr, /No such container: no-such/)
    await stage.ok('rm', container)
    assert.match((await stage.docker('rmi', id)).stdout, new RegExp(`^Deleted: ${id}`))
    assert.match(await stage.ok('images', '--format', '{{.Repository}}'), /^tiny$/)
  })

  void test('a container that is paused stays so, and one that runs goes on', async () => {
    await using container = await stage.container(tiny, 'sleep', '999')
    await stage.ok('commit', container.id, 'running:1')
    assert.equal(await container.inspect('{{.State.Status}}'), 'running')
    await stage.ok('pause', container.id)
    await stage.ok('commit', container.id, 'paused:1')
    assert.equal(await container.inspect('{{.State.Status}}'), 'paused')
    await stage.ok('unpause', container.id)
    await stage.ok('rmi', 'running:1', 'paused:1')
  })

  void test('changes are what a build would make of them: variables of the environment, health checks, triggers', async () => {
    const container = await stage.ok('create', '-e', 'BASE=/srv', tiny, 'true')
    const changes = ['ENV DATA=$BASE/data', 'WORKDIR ${DATA}/work', 'HEALTHCHECK --interval=7s --retries=2 CMD test -d $DATA', 'ONBUILD RUN true', 'LABEL at="$DATA" free=${FREE:-yes}', 'EXPOSE 80/udp', 'VOLUME ${BASE}', 'USER 1:2', 'STOPSIGNAL SIGQUIT']
    await stage.ok('commit', ...changes.flatMap((change) => ['-c', change]), container, 'changed:1')
    const { Env, WorkingDir, Healthcheck, OnBuild, Labels, ExposedPorts, Volumes, User, StopSignal } = (await image('changed:1')).Config as Record<string, unknown>
    assert.ok((Env as string[]).includes('DATA=/srv/data'))
    assert.deepEqual({ WorkingDir, Healthcheck, OnBuild, Labels, ExposedPorts, Volumes, User, StopSignal }, {
      WorkingDir: '/srv/data/work', Healthcheck: { Test: ['CMD-SHELL', 'test -d $DATA'], Interval: 7e9, Retries: 2 }, OnBuild: ['RUN true'],
      Labels: { at: '/srv/data', free: 'yes' }, ExposedPorts: { '80/udp': {} }, Volumes: { '/srv': {} }, User: '1:2', StopSignal: 'SIGQUIT',
    })
    for (const [change, text] of [['FROM x', /(from|FROM) is not a valid change command/i], ['ENV A', /ENV must have two arguments/], ['HEALTHCHECK NONE x', /HEALTHCHECK NONE takes no arguments/]] as const) {
      assert.match((await stage.docker('commit', '-c', change, container)).stderr, text)
      assert.match((await stage.docker('import', '-c', change, await rootfsArchive(tiny))).stderr, text)
    }
    await stage.ok('rm', container)
    await stage.ok('rmi', 'changed:1')
  })

  void test('a new entry point takes the old command away', async () => {
    const container = await stage.ok('create', tiny, 'echo', 'old')
    await stage.ok('commit', '-c', 'ENTRYPOINT ["echo", "entry"]', container, 'entry:1')
    assert.equal(await stage.ok('run', '--rm', 'entry:1'), 'entry')
    await stage.ok('commit', '-c', 'CMD ["word"]', '-c', 'ENTRYPOINT ["echo", "entry"]', container, 'entry:1')
    assert.equal(await stage.ok('run', '--rm', 'entry:1'), 'entry word')
    await stage.ok('rm', container)
    await stage.ok('rmi', 'entry:1')
    await stage.ok('image', 'prune', '-f')
  })

  for (const state of ['running', 'stopped', 'created']) {
    void test(`export writes the root file system of a ${state} container`, async () => {
      const id = await stage.ok('create', '-v', '/volume', '--hostname', 'h', tiny, 'sh', '-c', 'echo app > /app; echo v > /volume/v; chown 7:8 /app; touch -d "2020-01-02 03:04:05" /app; sleep 999')
      if (state !== 'created') {
        await stage.ok('start', id)
        await must(['sh', '-c', `until '${stage.program}' exec ${id} sh -c 'test "$(stat -c %Y /app)" = 1577934245'; do sleep 0.1; done`], { env: stage.env })
      }
      if (state === 'stopped') await stage.ok('kill', id)
      await stage.ok('export', '-o', at('export.tar'), id)
      const listing = (await must(['tar', '--numeric-owner', '--full-time', '-tvf', at('export.tar')], { env: { ...process.env, TZ: 'UTC' } })).split('\n')
      const names = listing.map((line) => line.replace(/^(\S+ +){5}/, '').replace(/ (->|link to) .*/, ''))
      for (const name of ['.dockerenv', 'dev/console', 'dev/pts/', 'dev/shm/', 'etc/hostname', 'etc/hosts', 'etc/mtab', 'etc/resolv.conf', 'proc/', 'sys/', 'bin/busybox']) assert.ok(names.includes(name), name)
      assert.ok(!names.includes('volume/v') && !names.some((name) => name.startsWith('proc/1')), 'no mounts')
      if (state !== 'created') assert.match(listing.find((line) => line.endsWith(' app')) ?? '', /^-rw-r--r-- 7\/8 +4 2020-01-02 03:04:05 +app$/)
      await stage.ok('rm', '-f', '-v', id)
      await stage.ok('import', at('export.tar'), 'exported:1')
      if (state !== 'created') assert.equal(await stage.ok('run', '--rm', 'exported:1', '/bin/cat', '/app'), 'app')
      await stage.ok('rmi', 'exported:1')
    })
  }
}, { images: [tiny] })

interface ImageView {
  Id: string
  Author: string
  Comment: string
  Parent: string
  Config: { Cmd: string[]; Labels: Record<string, string>; Env: string[] }
  RootFS: { Layers: string[] }
}

/** What a tree has that archives lose easily, as `find`, `getcap` and Python see it. */
const facts = `find . -printf '%P %y %#m %U:%G %s %T@ %l %n\\n' | grep -v '^ ' | grep -vE '^(dev|proc|sys|etc|\\.dockerenv)' | sort | sed -E 's/^(\\S+ d \\S+ \\S+) [0-9]+/\\1/'; find . -type c -o -type b | sort | xargs -r stat -c '%n %t:%T'; getcap -r . | sort; find . -type f -links +1 | sort; python3 -c '
import os
for root, dirs, files in sorted(os.walk(".")):
  for name in sorted(files + dirs):
    path = os.path.join(root, name)
    for key in sorted(os.listxattr(path, follow_symlinks=False)):
      print(path, key, os.getxattr(path, key, follow_symlinks=False).hex())'`

void describe('round trips between Gantry and the original', { skip: isOriginal && 'both are started here' }, () => {
  const engines: Partial<Record<'gantryd' | 'dockerd', { engine: Engine; client: Client }>> = {}
  const both = () => Object.entries(engines) as ['gantryd' | 'dockerd', { engine: Engine; client: Client }][]
  const shared = () => engines.gantryd!.engine.directory
  before(async () => {
    for (const kind of ['gantryd', 'dockerd'] as const) {
      const engine = await startEngine({ kind })
      engines[kind] = { engine, client: makeClient('docker', engine) }
    }
    await provideImages(engines.gantryd!.client, [tiny])
    // A base with what is hard to carry, and changes over it: whiteouts and opaque directories.
    const base = path.join(shared(), 'base')
    mkdirSync(base)
    await must(['sh', '-ec', `cd ${base}
      mkdir -p bin gone/deep replaced marks kept
      cp /bin/busybox bin/busybox; for a in sh rm mkdir ln touch cat sleep; do ln -s busybox bin/$a; done
      echo x > gone/deep/x; echo old > replaced/old; echo k > kept/k
      cp bin/busybox marks/able; setcap cap_net_raw,cap_chown=ep marks/able
      mknod marks/char c 5 7; mknod marks/block b 7 300; mkfifo marks/fifo
      echo twin > marks/one; ln marks/one marks/two
      echo t > 'marks/näme with space'; touch -h -d '2021-02-03 04:05:06.123456789' 'marks/näme with space'
      ln -s ../nowhere marks/link; chown -h 3000000:4 marks/link; chmod 6755 bin/busybox; chmod 1777 kept
      python3 -c 'import os; os.setxattr("marks/one", "user.raw", bytes(range(256)))'`])
    await must(['sh', '-c', `tar -C ${base} --xattrs --xattrs-include='*' -cf ${shared()}/base.tar .`])
  })
  after(async () => {
    for (const [, { engine }] of both()) {
      await engine.shutDown()
      await engine.remove()
    }
  })

  /** The facts of an image's tree, by running nothing: through export, GNU tar and find. */
  const factsOf = async (client: Client, name: string) => {
    const id = await client.ok('create', name, 'true')
    const place = path.join(shared(), `facts-${Math.random().toString(36).slice(2)}`)
    mkdirSync(place)
    await must(['sh', '-c', `'${client.program}' export ${id} | tar -C ${place} --xattrs --xattrs-include='*' -xpf -`], { env: client.env })
    await client.ok('rm', id)
    return await must(['sh', '-c', `cd ${place} && ${facts}`])
  }

  void test('import and export keep everything that GNU tar keeps', async () => {
    const { client } = engines.gantryd!
    await client.ok('import', path.join(shared(), 'base.tar'), 'base:1')
    const original = await must(['sh', '-c', `cd ${path.join(shared(), 'base')} && ${facts}`])
    assert.equal(await factsOf(client, 'base:1'), original)
  })

  void test('large holes stay holes', async () => {
    const { client } = engines.gantryd!
    await must(['sh', '-ec', `cd ${shared()}; mkdir wide; truncate -s 10G wide/holes; printf end >> wide/holes; tar -C wide -Scf wide.tar .`])
    await client.ok('import', path.join(shared(), 'wide.tar'), 'wide:1')
    const id = await client.ok('create', 'wide:1', 'true')
    const back = await must(['sh', '-ec', `cd ${shared()}; mkdir back; '${client.program}' export ${id} | tar -C back -xf -; '${client.program}' cp ${id}:/holes - | tar -C back --transform s,holes,copied, -xf -; stat -c '%s %b' back/holes back/copied; tail -c 3 back/holes; tail -c 3 back/copied; rm -r back wide`], { env: client.env })
    await client.ok('rm', id)
    assert.match(back, /^10737418243 \d{1,3}\n10737418243 \d{1,3}\nendend$/)
  })

  void test('an image committed by either engine is loaded by the other, with the same id and the same tree', async () => {
    await engines.dockerd!.client.ok('import', path.join(shared(), 'base.tar'), 'base:1')
    for (const [kind, { client }] of both()) {
      const other = engines[kind === 'gantryd' ? 'dockerd' : 'gantryd']!.client
      const id = await client.ok('create', 'base:1', 'sh', '-ec', 'rm -r /gone; rm -r /replaced; mkdir /replaced; echo new > /replaced/new; rm /marks/fifo; ln /marks/one /marks/three; echo more >> /kept/k')
      await client.ok('start', '-a', id)
      const image = await client.ok('commit', id, `from-${kind}:1`)
      await client.ok('rm', id)
      await client.ok('save', '-o', path.join(shared(), `${kind}.tar`), `from-${kind}:1`)
      assert.match(await other.ok('load', '-i', path.join(shared(), `${kind}.tar`)), new RegExp(`Loaded image: from-${kind}:1`))
      assert.equal(await other.ok('inspect', '-f', '{{.Id}}', `from-${kind}:1`), image)
      assert.equal(await other.ok('inspect', '-f', '{{.RootFS.Layers}}', image), await client.ok('inspect', '-f', '{{.RootFS.Layers}}', image))
      const [own, others] = [await factsOf(engines.gantryd!.client, image), await factsOf(engines.dockerd!.client, image)]
      // Docker's export knows file capabilities only, and cuts times to seconds in a committed layer.
      assert.equal(comparable(others), comparable(own), kind)
      for (const gone of ['gone', 'replaced/old', 'marks/fifo']) assert.ok(!own.split('\n').some((line) => line.startsWith(`${gone} `)), `${gone} is back`)
    }
  })

  void test('what either saved again is what the other gave it, byte for byte', async () => {
    const layers = async (client: Client, name: string) => {
      const file = path.join(shared(), 'again.tar')
      await client.ok('save', '-o', file, name)
      const [manifest] = JSON.parse(await must(['tar', '-xOf', file, 'manifest.json'])) as { Layers: string[]; Config: string }[]
      const digest = async (member: string) => (await must(['sh', '-c', `tar -xOf ${file} ${member} | sha256sum`])).slice(0, 64)
      return [await digest(manifest!.Config), ...(await Promise.all(manifest!.Layers.map(digest)))]
    }
    for (const name of ['from-gantryd:1', 'from-dockerd:1']) assert.deepEqual(await layers(engines.gantryd!.client, name), await layers(engines.dockerd!.client, name), name)
    assert.ok(readFileSync(path.join(shared(), 'gantryd.tar')).length > 0)
  })
})

function comparable(text: string): string {
  return text.split('\n').filter((line) => !line.includes(' user.raw ')).map((line) => line.replaceAll(/(\d{10})\.\d+/g, '$1')).join('\n')
}
