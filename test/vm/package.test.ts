import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import path from 'node:path'
import { after, before, test } from 'node:test'
import { projectRoot } from './harness/image.ts'
import { onOneMachine, tiny } from './harness/stage.ts'

/** The package of this checkout, and the same as a later version: directories of the host, as the machine sees them. */
function buildPackages(directory: string): void {
  const shell = (script: string) => execFileSync('sh', ['-ec', script], { cwd: projectRoot, stdio: ['ignore', 'ignore', 'inherit'], env: { ...process.env, D: directory, DEB_COMPRESSION: '-Znone' } })
  shell(`scripts/deb "$D"; mv "$D"/gantry_*.deb "$D/one.deb"
    dpkg-deb -R "$D/one.deb" "$D/tree"; sed -i 's/^Version: .*/&+later/' "$D/tree/DEBIAN/control"
    dpkg-deb --root-owner-group -Znone --build "$D/tree" "$D/two.deb"; rm -r "$D/tree"`)
}

/** Docker's client on the package's socket. Starts are counted by systemd, and this machine has many within a minute. */
const client = `export DOCKER_HOST=unix:///run/gantry/gantry.sock; systemctl reset-failed gantry.service 2>/dev/null;`
const pidOf = (name: string): string => `$(docker inspect -f '{{.State.Pid}}' ${name})`

onOneMachine('the Debian package under systemd', (stage) => {
  let directory = ''
  const must = (script: string) => stage.must(`${client} ${script}`)
  const install = (name: string) => must(`dpkg --force-unsafe-io -i /mnt/host/${path.relative(projectRoot, directory)}/${name}.deb 2>&1`)

  before(() => {
    directory = mkdtempSync(path.join(projectRoot, 'build/package-'))
    buildPackages(directory)
  })
  after(() => rmSync(directory, { recursive: true, force: true }))

  test('it installs, and the first request starts the service through its socket, whoever in the group makes it', async () => {
    await must('systemctl stop gantryd; rm -f /run/systemd/system/gantryd.service /usr/local/bin/gantry /usr/local/bin/gantry-runc; systemctl daemon-reload')
    await install('one')
    assert.equal(await must('systemctl is-active gantry.socket gantry.service; stat -c "%U:%G %a" /run/gantry/gantry.sock; systemctl is-enabled gantry.socket gantry.service'), 'active\nactive\nroot:docker 660\nenabled\nenabled')
    await must('systemctl stop gantry.service gantry.socket; systemctl start gantry.socket; ! systemctl is-active -q gantry.service')
    const [refused, allowed] = ['single', 'tester'].map((user) => `setpriv --reuid ${user} --regid ${user} --init-groups docker ps -q`)
    assert.match(await must(`${refused} 2>&1 || true`), /permission denied/)
    assert.equal(await must(`usermod -aG docker tester; ! systemctl is-active -q gantry.service && ${allowed} && systemctl is-active gantry.service`), 'active')
    // One that says READY=1 answers at once.
    assert.equal(await must(`systemctl show -P Type gantry; systemctl restart gantry && docker images --format '{{.Repository}}'`), `notify\n${tiny}`)
  })

  test('a container belongs to no session, and lives through reload, restart and stop of the service', async () => {
    // logind ends what a session leaves behind, if told so.
    const session = `mkdir -p /etc/systemd/logind.conf.d; printf '[Login]\\nKillUserProcesses=yes\\n' >/etc/systemd/logind.conf.d/kill.conf; systemctl restart systemd-logind`
    const run = `docker -H unix:///run/gantry/gantry.sock run -d --name kept ${tiny} sh -c 'i=0; while true; do i=\\$((i+1)); echo \\$i; sleep 0.1; done'`
    await must(`${session}; systemd-run -q --wait --pipe -p PAMName=login -p User=tester -p Group=tester bash -c "cat /proc/self/cgroup >/tmp/session; ${run}"`)
    assert.match(await must('cat /tmp/session'), /user\.slice\/user-1000\.slice\/session-/)
    const before = await must(`id=$(docker inspect -f '{{.Id}}' kept); echo ${pidOf('kept')}; cat /proc/${pidOf('kept')}/cgroup; echo $id`)
    const [pid = '', cgroup, id] = before.split('\n')
    assert.equal(cgroup, `0::/system.slice/docker-${id}.scope`)
    assert.equal(await must(`tr '\\0' '\\n' </proc/$(awk '/^PPid/ { print $2 }' /proc/${pid}/status)/environ | grep -c '^NOTIFY_SOCKET\\|^LISTEN_' || true`), '0')

    const mainPid = await must('systemctl show -P MainPID gantry')
    assert.equal(await must(`printf '{"labels": ["a=b"]}' >/etc/gantry/daemon.json; systemctl reload gantry; for i in $(seq 50); do docker info -f '{{.Labels}}' | grep -q a=b && break; sleep 0.2; done; docker info -f '{{.Labels}}'`), '[a=b]')
    assert.equal(await must('systemctl show -P MainPID gantry'), mainPid)
    await must('systemctl restart gantry')
    assert.notEqual(await must('systemctl show -P MainPID gantry'), mainPid)
    assert.equal(await must(`echo ${pidOf('kept')}`), pid)
    await must(`systemctl stop gantry.service gantry.socket; test -d /proc/${pid}; sleep 1; systemctl start gantry.service`)
    assert.equal(await must(`echo ${pidOf('kept')}; systemctl is-active gantry.socket`), `${pid}\nactive`)
  })

  test('limits, and what was set by hand, outlast daemon-reload, a restart of the container and one of the service', async () => {
    const read = `cat /sys/fs/cgroup/system.slice/docker-$(docker inspect -f '{{.Id}}' limited).scope/{memory.max,memory.swap.max,cpu.weight,pids.max}`
    await must(`docker run -d --name limited -m 64m --memory-swap 64m --pids-limit 50 ${tiny} sleep 999 && gantry set limited cpu.weight=50`)
    const expected = '67108864\n0\n50\n50'
    assert.equal(await must(`systemctl show docker-$(docker inspect -f '{{.Id}}' limited).scope -P ControlGroup | sed 's/[0-9a-f]\\{64\\}/ID/'`), '/system.slice/docker-ID.scope')
    assert.equal(await must(read), expected)
    assert.equal(await must(`systemctl daemon-reload; ${read}`), expected)
    assert.equal(await must(`docker restart -t 0 limited >/dev/null; ${read}`), expected)
    assert.equal(await must(`systemctl restart gantry; systemctl daemon-reload; ${read}`), expected)
    await must('docker rm -f limited')
  })

  test('the journal has the lines of a container under its name', async () => {
    await must(`docker run --name noted --log-driver journald ${tiny} echo to the journal`)
    assert.equal(await must('for i in $(seq 50); do journalctl -q -o cat CONTAINER_NAME=noted | grep -q . && break; sleep 0.2; done; journalctl -q -o cat CONTAINER_NAME=noted; docker rm noted >/dev/null'), 'to the journal')
  })

  test('an upgrade replaces the daemon and nothing else', async () => {
    const pid = await must(`echo ${pidOf('kept')}`)
    const mainPid = await must('systemctl show -P MainPID gantry')
    await install('two')
    assert.equal(await must(`dpkg-query -W -f '\${Version}' gantry | grep -c later; systemctl is-active gantry.service; echo ${pidOf('kept')}; docker exec kept echo inside`), `1\nactive\n${pid}\ninside`)
    assert.notEqual(await must('systemctl show -P MainPID gantry'), mainPid)
    // From the first line, through reload, restarts, a stop and the upgrade.
    assert.equal(await must(`docker logs kept | awk '$1 != NR { print "line", NR, "is", $1 } END { print (NR >= 50) }'`), '1')
  })

  test('it takes the place of Docker when told so', async () => {
    await must('systemctl enable gantry-docker.socket 2>/dev/null; systemctl restart gantry')
    assert.equal(await stage.must(`docker -H unix:///run/docker.sock ps --format '{{.Names}}'; stat -c %U:%G:%a /run/docker.sock`), 'kept\nroot:docker:660')
  })

  test('what is removed stops, and is gone', async () => {
    await must(`docker run -d --name again --restart always ${tiny} sleep 999; docker create --name never ${tiny} true; docker network create own; dpkg -L gantry >/tmp/files`)
    await must('dpkg -r gantry 2>&1')
    const left = `ps -eo args | grep '[g]antry-\\|[g]antryd\\|[s]leep 999' || true; grep gantry /proc/self/mountinfo || true; systemctl list-units --all --plain --no-legend 'gantry*' 'docker-*' | grep -v 'not-found\\|masked' || true
      ls -d /run/gantry /run/docker.sock /sys/fs/cgroup/system.slice/docker-* 2>/dev/null || true; nft list tables; ip -br link | grep -v '^lo' | awk '{ print $1 }' | grep 'docker\\|veth\\|^br-' || true; ls /run/netns 2>/dev/null || true`
    assert.equal(await must(left), '')
    assert.equal(await must('cat /etc/gantry/daemon.json'), '{"labels": ["a=b"]}')
    await install('two')
    // A container that is always to run does again, soon after the engine answers; the other was stopped.
    await must('for i in $(seq 50); do [ -z "$(docker ps -q)" ] || break; sleep 0.2; done')
    assert.equal(await must(`docker ps --format '{{.Names}}'; systemctl is-enabled gantry-docker.socket; docker run --rm ${tiny} echo again`), 'again\nenabled\nagain')
    await must('docker rm -f again kept never >/dev/null; dpkg --purge gantry 2>&1')
    assert.equal(await must(left), '')
    assert.equal(await must(`while read -r file; do [ -d "$file" ] || [ ! -e "$file" ] || echo "$file"; done </tmp/files; ls -d /usr/lib/gantry /etc/gantry 2>/dev/null; find /etc/systemd /var/lib/systemd -name '*gantry*'; systemctl --failed --no-legend --plain | grep gantry || true`), '')
    assert.equal(await must('ls /var/lib/gantry | grep -c . | sed "s/[1-9][0-9]*/kept/"'), 'kept')
  })
})
