import assert from 'node:assert/strict'
import { mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { after, before, describe, test } from 'node:test'
import { rootfsArchive, tiny } from './harness/image.ts'
import { makePrivateDirectory, processesOf, removePrivateDirectory, sweep } from './harness/private-directory.ts'
import { findProgram, program } from './harness/program.ts'
import { eventually } from './harness/eventually.ts'
import { type Finished, must, run } from './harness/run.ts'
import type { OciSpec } from '../../src/runc/spec.ts'
import { dropSharedCgroups } from './harness/shared-cgroups.ts'

const skip = findProgram('runc') === undefined && 'not installed: runc'

type Change = (spec: OciSpec) => void

const args = (...words: string[]): Change => (spec) => void (spec.process!.args = words)

/** An error without what each runtime puts around it. */
const reason = ({ stderr }: Finished): string => stderr.replace(/^time=\S+ level=error msg="?/, '').replace(/"?\s*$/, '').replace(/^.*failed: /, '').replaceAll('\\', '')

/** The same bundles, by hand, to runc and to gantry-runc. */
void describe('gantry-runc beside runc on the same bundle', { concurrency: false, skip }, () => {
  let directory = ''
  let template: OciSpec
  let count = 0

  before(async () => {
    await sweep()
    directory = makePrivateDirectory()
    mkdirSync(path.join(directory, 'rootfs'))
    await must(['tar', '-C', path.join(directory, 'rootfs'), '-xf', await rootfsArchive(tiny)])
    await must([program('runc'), 'spec', '-b', directory])
    template = JSON.parse(readFileSync(path.join(directory, 'config.json'), 'utf8')) as OciSpec
    template.process!.terminal = false
  })
  after(async () => {
    if (directory === '') return
    assert.deepEqual(processesOf(directory), [])
    for (const name of runtimes) assert.deepEqual(readdirSync(path.join(directory, `state-${name}`)), [])
    await removePrivateDirectory(directory)
    dropSharedCgroups()
  })

  const runtimes = ['runc', 'gantry-runc'] as const
  type Runtime = (typeof runtimes)[number]

  function bundle(change: Change): string {
    const place = path.join(directory, `b${++count}`)
    mkdirSync(place)
    const spec = structuredClone(template)
    spec.root!.path = path.join(directory, 'rootfs')
    spec.linux!.cgroupsPath = `/gantry-swap-${process.pid}-${count}`
    change(spec)
    writeFileSync(path.join(place, 'config.json'), JSON.stringify(spec))
    return place
  }
  const call = (runtime: Runtime, ...args: string[]): Promise<Finished> => run([program(runtime), '--root', path.join(directory, `state-${runtime}`), ...args])
  const shell = (runtime: Runtime, line: string): Promise<Finished> => run(['sh', '-c', line.replaceAll('RUNTIME', `${program(runtime)} --root ${path.join(directory, `state-${runtime}`)}`)])

  const tmux = (...words: string[]): string[] => ['tmux', '-S', path.join(directory, 'tmux'), '-f', '/dev/null', ...words]
  /** A hook that notes its point and the id it was told. */
  const hook = (point: string): { path: string; args: string[] }[] => [{ path: '/bin/sh', args: ['sh', '-c', `echo ${point} $(tr -d '\\n' | sed 's/.*"id": *"\\([a-z]*\\)".*/\\1/') >>${directory}/hooks`] }]

  /** What both do, which has to be the same. */
  async function both(act: (runtime: Runtime) => Promise<unknown>): Promise<unknown> {
    const [theirs, ours] = [await act('runc'), await act('gantry-runc')]
    assert.deepEqual(ours, theirs)
    return ours
  }

  const cases: Record<string, Change> = {
    'exit code 0': args('true'),
    'exit code 7': args('sh', '-c', 'exit 7'),
    'exit code 255': args('sh', '-c', 'exit 255'),
    'a process that kills itself': args('sh', '-c', 'sh -c "kill -TERM \\$\\$"; echo $?'),
    'both outputs': args('sh', '-c', 'echo out; echo err >&2'),
    'open descriptors': args('sh', '-c', 'ls /proc/self/fd | tr "\\n" " "'),
    'the environment': args('env'),
    'a user with groups': (spec) => Object.assign(spec.process!, { args: ['id'], user: { uid: 500, gid: 500, additionalGids: [7, 8] } }),
    'capabilities and no_new_privs': args('grep', '-E', '^(Cap|NoNewPrivs)', '/proc/self/status'),
    'a working directory': (spec) => Object.assign(spec.process!, { args: ['pwd'], cwd: '/home/user500' }),
    'the hostname': (spec) => Object.assign(spec, { hostname: 'box', process: { ...spec.process, args: ['hostname'] } }),
    'limits': args('sh', '-c', 'ulimit -n; cat /proc/self/limits | grep "open files"'),
    'a read-only root': args('sh', '-c', 'touch /x; echo $?'),
    'devices': args('ls', '-l', '/dev/null', '/dev/zero', '/dev/ptmx', '/dev/fd'),
    'a masked path': args('sh', '-c', 'wc -c < /proc/keys; ls /sys/firmware | wc -l'),
    'a new pid namespace': args('sh', '-c', 'echo $$'),
    'the session': args('sh', '-c', 'cut -d" " -f6 /proc/1/stat'),
    'loopback': args('ip', 'addr', 'show', 'lo'),
    'mount options that file systems read': (spec) => {
      spec.mounts!.push({ destination: '/m', type: 'tmpfs', source: 'm', options: ['silent', 'lazytime', 'noiversion', 'nolazytime', 'iversion', 'loud'] })
      spec.process!.args = ['sh', '-c', 'grep " /m " /proc/mounts']
    },
    'signals': args('grep', '-E', '^Sig(Blk|Ign)', '/proc/self/status'),
  }
  for (const [name, change] of Object.entries(cases)) {
    void test(`run is the same: ${name}`, async () => {
      const place = bundle(change)
      const { code } = (await both((runtime) => call(runtime, 'run', '-b', place, 'same'))) as Finished
      assert.ok(code === 0 || name.includes('code'), `ended with ${code}`)
    })
  }

  for (const [name, command] of Object.entries({ 'not in PATH': ['not-there'], 'no such path': ['/not/there'], 'not executable': ['/not-executable'] })) {
    void test(`create fails in the same words for a command that is ${name}`, async () => {
      const place = bundle(args(...command))
      await both(async (runtime) => {
        const { code, stderr } = await call(runtime, 'create', '-b', place, 'bad')
        return { code, reason: /exec: .*/.exec(stderr)?.[0], left: (await call(runtime, 'list', '-q')).stdout }
      })
    })
  }

  void test('stdin, and descriptors that are handed on, go through', async () => {
    const place = bundle(args('sh', '-c', 'cat; cat <&3; ls /proc/self/fd | wc -l'))
    const file = path.join(directory, 'third')
    writeFileSync(file, 'from the third\n')
    const { stdout } = (await both((runtime) => shell(runtime, `echo from the first | RUNTIME run --preserve-fds 1 -b ${place} given 3<${file}`))) as Finished
    assert.match(stdout, /from the first\nfrom the third\n/)
  })

  void test('a user owns the pipes of its process', async () => {
    const place = bundle((spec) => Object.assign(spec.process!, { args: ['sh', '-c', 'echo again > /dev/stdout'], user: { uid: 500, gid: 500 } }))
    assert.deepEqual(await both((runtime) => shell(runtime, `RUNTIME run -b ${place} owner | cat`)), { code: 0, stdout: 'again\n', stderr: '' })
  })

  void test('a detached process has the stdio of the caller, and every command is the same about it', async () => {
    const place = bundle(args('sh', '-c', 'echo $$ begins; exec sleep 99'))
    await both(async (runtime) => {
      const out = path.join(directory, `out-${runtime}`)
      const pidFile = path.join(directory, `pid-${runtime}`)
      const { code } = await shell(runtime, `RUNTIME create -b ${place} --pid-file ${pidFile} kept >${out} 2>&1 </dev/null`)
      const pid = readFileSync(pidFile, 'utf8')
      const before = readFileSync(out, 'utf8')
      const created = JSON.parse((await call(runtime, 'state', 'kept')).stdout) as Record<string, unknown>
      assert.equal(String(created['pid']), pid)
      const again = await call(runtime, 'create', '-b', place, 'kept')
      const started = await call(runtime, 'start', 'kept')
      await eventually(() => assert.equal(readFileSync(out, 'utf8'), '1 begins\n'))
      const twice = await call(runtime, 'start', 'kept')
      const deleted = await call(runtime, 'delete', 'kept')
      const states = [created['status'], (JSON.parse((await call(runtime, 'state', 'kept')).stdout) as Record<string, unknown>)['status']]
      await call(runtime, 'pause', 'kept')
      states.push((JSON.parse((await call(runtime, 'state', 'kept')).stdout) as Record<string, unknown>)['status'])
      await call(runtime, 'resume', 'kept')
      const exec = await call(runtime, 'exec', '-e', 'A=b', '-u', '500:500', '--cwd', '/tmp', 'kept', 'sh', '-c', 'id -u; echo $A; pwd; exit 9')
      const missing = await call(runtime, 'exec', 'kept', 'not-there')
      const listed = await call(runtime, 'list', '-q')
      const keys = Object.keys((JSON.parse((await call(runtime, 'list', '-f', 'json')).stdout) as Record<string, unknown>[])[0]!).toSorted()
      const processes = JSON.parse((await call(runtime, 'ps', '-f', 'json', 'kept')).stdout) as number[]
      // The exec that failed may take a moment to be gone.
      await eventually(async () => assert.equal((JSON.parse((await call(runtime, 'events', '--stats', 'kept')).stdout) as { data: { pids: { current: number } } }).data.pids.current, 1))
      const statistics = JSON.parse((await call(runtime, 'events', '--stats', 'kept')).stdout) as { type: string; id: string; data: { memory: { usage: object }; pids: object } }
      const shape = [statistics.type, statistics.id, Object.keys(statistics.data.memory.usage).toSorted(), statistics.data.pids]
      const update = await call(runtime, 'update', '--memory', '64m', 'kept')
      const limit = (await shell(runtime, `cat /sys/fs/cgroup/memory$(sed -n s/.*:memory://p /proc/${pid}/cgroup)/memory.limit_in_bytes`)).stdout
      const killed = await call(runtime, 'kill', 'kept', 'KILL')
      await eventually(async () => assert.equal((JSON.parse((await call(runtime, 'state', 'kept')).stdout) as { status: string }).status, 'stopped'))
      const late = await call(runtime, 'kill', 'kept', 'TERM')
      const gone = await call(runtime, 'delete', 'kept')
      const unknown = await call(runtime, 'state', 'kept')
      const forced = await call(runtime, 'delete', '-f', 'kept')
      assert.deepEqual(processes, [Number(pid)])
      return {
        code, before, states, keys, shape, limit, listed: listed.stdout, exec,
        codes: [again, started, twice, deleted, missing, update, killed, late, gone, unknown, forced].map((finished) => finished.code),
        words: [again, twice, deleted, late, unknown].map(reason).map((text) => text.replace(/^runc run |\s+$/g, '')),
        missing: /exec: .*found in \$PATH/.exec(reason(missing))?.[0],
      }
    })
  })

  void test('a container that is paused before its start is shown so, starts only once it goes on, and mistakes in a command line are told alike', async () => {
    const place = bundle(args('sleep', '99'))
    await both(async (runtime) => {
      await shell(runtime, `RUNTIME create -b ${place} early >/dev/null 2>&1 </dev/null`)
      const status = async (): Promise<unknown> => (JSON.parse((await call(runtime, 'state', 'early')).stdout) as { status: string }).status
      const seen: unknown[] = []
      const note = async (...words: string[]): Promise<void> => {
        const finished = await call(runtime, ...words)
        seen.push([words.join(' '), finished.code, reason(finished).replace(/^.*: "?|".*$/gs, '')], await status())
      }
      await note('pause', 'early')
      await note('pause', 'early')
      await note('start', 'early')
      await note('exec', 'early', 'true')
      await note('resume', 'early')
      await note('start', 'early')
      const wrong = [['exec', '--nope', 'early', 'true'], ['run', '--nope', 'x'], ['state'], ['state', 'a', 'b'], ['exec', '-e', 'A', 'early', 'true']]
      for (const words of wrong) seen.push([words.join(' '), (await call(runtime, ...words)).code])
      const unknown = await call(runtime, 'exec', '--cap', 'CAP_NOPE', 'early', 'true')
      seen.push([unknown.code, /ignoring unknown or unavailable capabilities: \[CAP_NOPE\]/.test(unknown.stderr)], (await call(runtime, 'delete', '-f', 'early')).code)
      return seen
    })
  })

  void test('a terminal in the foreground is raw outside, sized inside, and follows a resize', async () => {
    const place = bundle((spec) => Object.assign(spec.process!, { args: ['sh'], terminal: true }))
    const name = `gantry-swap-${process.pid}`
    const shows = (pattern: RegExp): Promise<void> => eventually(async () => assert.match(await must(tmux('capture-pane', '-p', '-S', '-200')), pattern))
    const type = async (line: string): Promise<void> => void (await must(tmux('send-keys', '-l', line)), await must(tmux('send-keys', 'Enter')))
    await must(tmux('new-session', '-d', '-x', '90', '-y', '25', '/bin/sh'), { env: { ...process.env, PS1: '% ', TERM: 'xterm-256color' } })
    try {
      await must(tmux('set-option', '-g', 'status', 'off'))
      await shows(/[%#]/)
      await type(`stty -a >${directory}/before; ${program('gantry-runc')} --root ${directory}/state-gantry-runc run -b ${place} ${name}; echo left with $?; stty -a >${directory}/after`)
      await shows(/\/ #/)
      await type('tty; stty size')
      await shows(/\/dev\/(pts\/0|console)\s+25 90/)
      await must(tmux('resize-window', '-x', '70', '-y', '20'))
      await type('sleep 0.3; stty size')
      await shows(/20 70/)
      // What is typed is on the screen too.
      await type("trap 'echo cau\"\"ght' INT; echo slee''ping; sleep 30 & wait")
      await shows(/sleeping/)
      await must(tmux('send-keys', 'C-c'))
      await shows(/caught/)
      const exec = await shell('gantry-runc', `RUNTIME exec -t ${name} sh -c 'tty; exit 3'`)
      assert.deepEqual([exec.code, exec.stdout.trim()], [3, '/dev/pts/1'])
      await type('exit 6')
      await shows(/left with 6/)
      await eventually(() => assert.equal(readFileSync(`${directory}/after`, 'utf8').replace(/rows.*/, ''), readFileSync(`${directory}/before`, 'utf8').replace(/rows.*/, '')))
    } finally {
      await run(tmux('kill-server'))
    }
  })

  void test('signals of a foreground run reach the process', async () => {
    const place = bundle(args('sh', '-c', 'trap "echo got it; exit 21" TERM; echo ready; while :; do sleep 0.1; done'))
    await both((runtime) => shell(runtime, `RUNTIME run -b ${place} sig & pid=$!; sleep 1.5; kill -TERM $pid; wait $pid`))
  })

  void test('hooks of the host run at their points', async () => {
    const place = bundle((spec) => {
      spec.hooks = { prestart: hook('prestart'), createRuntime: hook('createRuntime'), poststart: hook('poststart'), poststop: hook('poststop') }
      spec.process!.args = ['true']
    })
    await both(async (runtime) => {
      writeFileSync(`${directory}/hooks`, '')
      const { code } = await call(runtime, 'run', '-b', place, 'hooked')
      return [code, readFileSync(`${directory}/hooks`, 'utf8')]
    })
  })

  void test('each runs what the other one proposes', async () => {
    for (const [proposer, runner] of [['runc', 'gantry-runc'], ['gantry-runc', 'runc']] as const) {
      const place = path.join(directory, `proposed-by-${proposer}`)
      mkdirSync(place)
      await must([program(proposer), 'spec', '-b', place])
      const file = path.join(place, 'config.json')
      const spec = JSON.parse(readFileSync(file, 'utf8')) as OciSpec
      writeFileSync(file, JSON.stringify({ ...spec, root: { path: path.join(directory, 'rootfs'), readonly: true }, process: { ...spec.process, terminal: false, args: ['echo', 'hello'] } }))
      assert.deepEqual(await call(runner, 'run', '-b', place, 'proposed'), { code: 0, stdout: 'hello\n', stderr: '' })
    }
  })

  void test('what it says of itself has the shape of what runc says', async () => {
    const [theirs, ours] = await Promise.all(runtimes.map(async (name) => JSON.parse((await call(name, 'features')).stdout) as Record<string, never>))
    for (const key of Object.keys(theirs!)) assert.equal(typeof ours![key], typeof theirs![key], key)
    assert.match((await call('gantry-runc', '--version')).stdout, /^gantry-runc version \S+\ncommit: \S+\nspec: 1\.\d+\.\d+\n$/)
  })
})
