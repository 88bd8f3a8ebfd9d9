import assert from 'node:assert/strict'
import { before, test } from 'node:test'
import { edited, runtimeOf, type Runtime } from './harness/runtime.ts'
import { onOneMachine } from './harness/stage.ts'

const idle = ['sh', '-c', 'id -u; cat /proc/self/cgroup /proc/self/uid_map; exec sleep 999']
const limits = { memory: { limit: 67108864, swap: 67108864 }, cpu: { quota: 25_500, period: 100_000, shares: 512 }, pids: { limit: 10 } }
/** Two ranges, which only newuidmap and newgidmap may write for an ordinary user. */
const twoRanges = [{ containerID: 0, hostID: 1000, size: 1 }, { containerID: 1, hostID: 100_000, size: 65_536 }]
const show = (file: string): string => `cat ${file}/{memory.max,memory.swap.max,cpu.max,cpu.weight,pids.max}`

onOneMachine('gantry-runc on cgroup v2', (machine) => {
  let root: Runtime
  let tester: Runtime
  let single: Runtime

  before(async () => {
    root = await runtimeOf(machine, 'root')
    tester = await runtimeOf(machine, 'tester')
    single = await runtimeOf(machine, 'single')
  })

  test('--systemd-cgroup: a container of root is a scope with its limits, through all commands', async () => {
    await root.bundle(['sleep', '999'], { cgroupsPath: 'system.slice:mine:c1', resources: limits })
    const place = '/sys/fs/cgroup/system.slice/mine-c1.scope'
    const text = await root.must(`R="gantry-runc --systemd-cgroup"
$R create c1 </dev/null >/dev/null 2>&1; $R state c1 | grep -o '"status": "[a-z]*"'
$R start c1; ${show(place)}; cat ${place}/pids.current
systemctl show mine-c1.scope --value -p ControlGroup -p MemorySwapMax
$R exec c1 cat /proc/self/cgroup; $R exec -d c1 sleep 998 >/dev/null 2>&1; $R ps -f json c1 | tr , '\\n' | wc -l
$R pause c1; $R state c1 | grep -o '"status": "[a-z]*"'; $R resume c1
$R update --memory 50331648 --memory-swap 60817408 --pids-limit 7 c1; ${show(place)}
systemctl daemon-reload; ${show(place)}
$R events --stats c1 | grep -o '"pids":{[^}]*}'`)
    assert.deepEqual(text.split('\n'), [
      '"status": "created"', '67108864', '0', '25500 100000', '20', '10', '1', '/system.slice/mine-c1.scope', '0',
      '0::/', '2', '"status": "paused"', '50331648', '10485760', '25500 100000', '20', '7', '50331648', '10485760', '26000 100000', '20', '7', '"pids":{"current":2,"limit":7}',
    ])
    const second = await root.run('gantry-runc --systemd-cgroup create c2')
    assert.match(second.stderr, /Unit mine-c1.scope was already loaded/)
    assert.equal(await root.must(`gantry-runc list -q; gantry-runc kill c1 KILL; while gantry-runc state c1 | grep -q running; do sleep 0.1; done; gantry-runc delete c1; gantry-runc list -q
systemctl list-units --all --no-legend 'mine-*'; ls -d ${place} 2>/dev/null || true`), 'c1')
  })

  test('--systemd-cgroup leaves nothing when the container cannot be made, and takes the names of runc', async () => {
    await root.bundle(['/no-such-command'], { resources: limits })
    for (const [path, error] of [['', /no-such-command/], ['machine.slice:c:x', /no-such-command/], ['/a/b', /expected cgroupsPath to be of format \\?"slice:prefix:name\\?" for systemd cgroups, got \\?"\/a\/b\\?" instead/], ['a--b.slice:c:d', /not a name of a slice/]] as const) {
      await root.must(edited({ args: ['/no-such-command'], linux: { cgroupsPath: path } }))
      const { code, stderr } = await root.run('gantry-runc --systemd-cgroup run x1')
      assert.deepEqual([code, error.test(stderr)], [1, true], stderr)
    }
    assert.equal(await root.must(`gantry-runc list -q; systemctl list-units --all --no-legend '*x1*' 'c-x*'; find /sys/fs/cgroup -name '*x1*' -o -name 'c-x.scope'`), '')
    await root.bundle(['true'], { cgroupsPath: 'system.slice:mine:c1' })
    const { stderr } = await root.run('gantry-runc run x1')
    assert.match(stderr, /it names a unit of systemd, for which there is --systemd-cgroup/)
  })

  test('annotations are properties of the unit, and what systemd ends by them leaves no failed unit', async () => {
    const property = 'org.systemd.property.'
    await root.bundle(['sleep', '999'], { cgroupsPath: 'system.slice:mine:c1', resources: limits }, { [`${property}RuntimeMaxSec`]: '900', [`${property}TimeoutStopUSec`]: 'uint64 2000000', [`${property}Documentation`]: "['man:one(1)', 'man:two(2)']" })
    assert.deepEqual((await root.must(`R="gantry-runc --systemd-cgroup"; $R run -d c1 </dev/null >/dev/null 2>&1
for name in RuntimeMaxUSec TimeoutStopUSec Documentation Delegate MemoryMax; do systemctl show mine-c1.scope --value -p $name; done
systemctl stop mine-c1.scope; systemctl is-failed mine-c1.scope; $R state c1 | grep -o '"status": "[a-z]*"'; $R delete c1; systemctl list-units --all --no-legend 'mine-*'`)).split('\n'), ['15min', '2s', '"man:one(1)" "man:two(2)"', 'yes', '67108864', 'failed', '"status": "stopped"'])
    for (const [name, text, reason] of [['NoSuchProperty', '1', /NoSuchProperty/], ['Delegate', 'perhaps', /annotation org\.systemd\.property\.Delegate=perhaps value parse error: unknown word/]] as const) {
      await root.bundle(['true'], {}, { [property + name]: text })
      const { code, stderr } = await root.run('gantry-runc --systemd-cgroup run c1')
      assert.deepEqual([code, reason.test(stderr)], [1, true], stderr)
      assert.equal(await root.must('gantry-runc run c1; gantry-runc list -q'), '', 'without systemd they say nothing')
    }
    assert.match(await root.must('gantry-runc features'), /"potentiallyUnsafeConfigAnnotations":\s*\[\s*"org\.systemd\.property\."/)
  })

  test('an ordinary user without a systemd of his own is told so, and has a container where he is', async () => {
    await single.bundle(idle)
    const refused = await single.run('gantry-runc --root ~/r --systemd-cgroup run -d u1 </dev/null >out 2>&1; cat out')
    assert.match(refused.stdout, /user 1001 has no systemd of his own running/)
    const text = await single.must(`R="gantry-runc --root $HOME/r"; $R run -d u1 </dev/null >out 2>&1; for i in $(seq 50); do [ $(wc -l <out) -ge 3 ] && break; sleep 0.1; done; tr -s ' ' <out; $R exec u1 id -u
$R ps -f json u1 | tr -d 0-9; $R pause u1 2>&1 | grep -o 'no cgroup of its own'; $R kill u1 KILL; while $R state u1 | grep -q running; do sleep 0.1; done; $R delete u1; ls $HOME/r`)
    assert.deepEqual(text.split('\n').map((line) => line.trim()), ['0', '0::/', '0 1001 1', '0', '[]', 'no cgroup of its own'])
  })

  test('a limit that an ordinary user cannot set is refused by name', async () => {
    await single.bundle(['true'], { resources: { memory: { limit: 67108864 } } })
    const { code, stderr } = await single.run('gantry-runc --root ~/r run u1')
    assert.deepEqual([code, /linux\.resources\.memory\.limit/.test(stderr)], [1, true], stderr)
  })

  test('--systemd-cgroup: an ordinary user has a scope of his own systemd, also from outside of it', async () => {
    await machine.must('systemctl start user@1000')
    await tester.bundle(idle, { uidMappings: twoRanges, gidMappings: twoRanges, resources: { ...limits, devices: [{ allow: false, access: 'rwm' }] } })
    const place = '/sys/fs/cgroup/user.slice/user-1000.slice/user@1000.service/user.slice/gantry-runc-u1.scope'
    const text = await tester.must(`R="gantry-runc --systemd-cgroup"; cat /proc/self/cgroup; $R run -d u1 </dev/null >out 2>&1; for i in $(seq 50); do [ $(wc -l <out) -ge 4 ] && break; sleep 0.1; done; tr -s ' ' <out
$R exec u1 cat /proc/self/cgroup; ${show(place)}; $R update --pids-limit 8 u1; systemctl --user daemon-reload; ${show(place)}
systemctl --user show gantry-runc-u1.scope --value -p ControlGroup; $R pause u1; $R state u1 | grep -o '"status": "[a-z]*"'
$R delete -f u1; systemctl --user list-units --all --no-legend 'gantry-*'; ls -d ${place} 2>/dev/null; ls $XDG_RUNTIME_DIR/gantry-runc`)
    assert.deepEqual(text.split('\n').map((line) => line.trim()), [
      '0::/system.slice/agent.service', '0', '0::/', '0 1000 1', '1 100000 65536', '0::/', '67108864', '0', '25500 100000', '20', '10', '67108864', '0', '26000 100000', '20', '8',
      place.slice('/sys/fs/cgroup'.length), '"status": "paused"',
    ])
  })

  test('an ordinary user makes containers in a cgroup that was handed over to him, without systemd', async () => {
    const place = '/sys/fs/cgroup/user.slice/user-1000.slice/user@1000.service/app.slice/gantry-runc/u2'
    await tester.bundle(idle, { uidMappings: twoRanges, gidMappings: twoRanges, resources: limits })
    await machine.must('systemctl start user@1000')
    const text = await tester.must(`systemd-run -q --user --scope gantry-runc run -d u2 </dev/null >out 2>&1; for i in $(seq 50); do [ $(wc -l <out) -ge 4 ] && break; sleep 0.1; done; sed -n 2p out
cat /proc/$(gantry-runc state u2 | sed -n 's/.*"pid": \\([0-9]*\\).*/\\1/p')/cgroup; ${show(place)}
gantry-runc exec u2 cat /proc/self/cgroup; gantry-runc update --memory 50331648 u2; cat ${place}/memory.max; gantry-runc delete -f u2; ls -d ${place} 2>/dev/null || true`)
    assert.deepEqual(text.split('\n'), ['0::/', `0::${place.slice('/sys/fs/cgroup'.length)}`, '67108864', '0', '25500 100000', '20', '10', '0::/', '50331648'])
  })

  test('what root hands over by hand serves as well, and Yama does not stand in the way', async () => {
    const top = '/sys/fs/cgroup/given'
    await machine.must(`systemctl start user@1000; mkdir -p ${top}/shell; echo '+memory +pids +cpu' >${top}/cgroup.subtree_control; chown tester: ${top} ${top}/{cgroup.procs,cgroup.subtree_control} ${top}/shell ${top}/shell/cgroup.procs
echo 1 >/proc/sys/kernel/yama/ptrace_scope`)
    await tester.bundle(['cat', '/proc/self/cgroup'], { cgroupsPath: '/given/u3', resources: limits, uidMappings: twoRanges, gidMappings: twoRanges })
    // Whoever is put into it may make others beside himself.
    await machine.must(`cat >/tmp/inside <<'END'
cd ~/b; gantry-runc run u3 && sed -i 's/"terminal":false/"terminal":true/' config.json && script -qec 'gantry-runc run u3' /dev/null </dev/null
END`)
    const text = await machine.must(`echo $$ >${top}/shell/cgroup.procs; exec setpriv --reuid 1000 --regid 1000 --init-groups env -i PATH=$PATH HOME=/home/tester USER=tester XDG_RUNTIME_DIR=/run/user/1000 bash /tmp/inside`)
    // A terminal also echoes the end of its input.
    assert.deepEqual(text.split(/\s/).filter((word) => word.includes(':')).map((word) => word.replaceAll(/[\0\b]|\^@/g, '')), ['0::/', '0::/'])
    assert.equal(await machine.must(`ls -d ${top}/*/`), `${top}/shell/`)
  })
})
