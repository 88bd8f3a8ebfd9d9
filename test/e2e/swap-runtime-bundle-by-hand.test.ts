import assert from 'node:assert/strict'
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { test } from 'node:test'
import type { OciSpec } from '../../src/runc/spec.ts'
import { findProgram, program } from './harness/program.ts'
import { dropSharedCgroups } from './harness/shared-cgroups.ts'
import { engineUnderTest, throughEachClient, tiny } from './harness/stories.ts'

const missing = ['runc', 'crun'].filter((name) => findProgram(name) === undefined)
const skip = engineUnderTest === 'dockerd' ? 'Gantry only' : missing.length > 0 && `not installed: ${missing.join(', ')}`

/** crun takes a host with cgroups of one version only; in a mount namespace of its own it sees the v2 tree alone. */
const withOneTree = ['unshare', '-m', '--propagation', 'private', 'sh', '-c', 'umount -R -l /sys/fs/cgroup && mount -t cgroup2 none /sys/fs/cgroup && exec "$@"', 'sh']

throughEachClient('a bundle that gantryd made', (stage) => {
  void test('gives the same output when it is run by hand', { skip }, async () => {
    const says = 'id; hostname; pwd; env | sort; grep -E "^(Cap|NoNewPrivs|Seccomp:)" /proc/self/status; ls /; ulimit -n; cat /etc/hostname'
    await using container = await stage.container('-h', 'box', '-u', '500:7', '-w', '/tmp', '-e', 'A=b c', '--cap-drop', 'NET_RAW', '--network', 'none', tiny, 'sh', '-c', `${says}; exec sleep 1000`)
    const expected = await stage.ok('logs', container.id)
    assert.match(expected, /^uid=500\S* gid=7.*\nbox\n\/tmp\nA=b c\n/)
    const spec = JSON.parse(readFileSync(path.join(stage.engine.execRoot, 'containers', container.id, 'config.json'), 'utf8')) as OciSpec
    spec.process!.args = spec.process!.args.map((word) => word.replace('; exec sleep 1000', ''))
    // Their places in the cgroups are their own; the host's v2 tree has no controllers for limits, and crun wants CAP_SYS_RESOURCE for a device filter.
    spec.linux!.cgroupsPath = `/gantry-by-hand-${process.pid}`
    spec.linux!.resources = {}
    // Debian's runc knows no time namespaces.
    spec.linux!.namespaces = spec.linux!.namespaces!.filter(({ type }) => type !== 'time')
    for (const namespace of spec.linux!.namespaces) if (namespace.type === 'network') delete namespace.path
    const bundle = path.join(stage.engine.directory, 'by-hand')
    mkdirSync(bundle, { recursive: true })
    writeFileSync(path.join(bundle, 'config.json'), JSON.stringify(spec))
    for (const name of ['gantry-runc', 'runc', 'crun']) {
      const enter = name === 'crun' ? withOneTree : []
      const { code, stdout, stderr } = await stage.engine.host.run([...enter, program(name), '--root', path.join(bundle, `state-${name}`), 'run', '-b', bundle, `by-hand-${process.pid}`])
      assert.equal(code, 0, `${name}: ${stderr}`)
      assert.equal(stdout.trim(), expected, name)
    }
    rmSync(bundle, { recursive: true })
    dropSharedCgroups()
  })
})
