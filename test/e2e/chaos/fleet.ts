import assert from 'node:assert/strict'
import { tiny } from '../harness/image.ts'
import { alive, startTime } from '../harness/processes.ts'
import type { Stage } from '../harness/stories.ts'

/** One container of the fleet: how it is run, and what has to be true of it when all is over. */
export interface Member {
  name: string
  options: string[]
  script: string
  /** Its process must be the same from beginning to end. */
  lives?: boolean
  /** In the end, of `{{.State.Status}} {{.State.ExitCode}} {{.RestartCount}}`. */
  ends: string
  /** Its log, whole. */
  log?: string[]
  /** Host port at which it answers what it is sent. */
  port?: number
  health?: 'healthy' | 'unhealthy'
}

const numbered = (count: number, run = '') => Array.from({ length: count }, (_, index) => `line ${run}${index}`)

/** Prints lines over some time, then ends. `burst`: so many between two pauses. */
function writer(name: string, { options, count, burst, pause, code }: { options: string[]; count: number; burst: number; pause: number; code: number }): Member {
  const script = `i=0; while [ $i -lt ${count} ]; do echo line $i; i=$((i+1)); [ $((i%${burst})) = 0 ] && usleep ${pause * 1000}; done; exit ${code}`
  return { name, options, script, ends: `exited ${code} 0`, log: numbered(count) }
}

/** Counts its runs in its own file system and fails in each; the last one may go on for ever. */
function failing(name: string, { policy, runs, code, last = code, pause = 0.1 }: { policy: string; runs: number; code: number; last?: number | 'lives'; pause?: number }): Member {
  const end = last === 'lives' ? 'exec sleep 100000' : `exit ${last}`
  const script = `n=$(cat /runs 2>/dev/null || echo 0); n=$((n+1)); echo $n >/runs; echo line $n; sleep ${pause}; [ $n -lt ${runs} ] && exit ${code}; ${end}`
  const ends = last === 'lives' ? `running 0 ${runs - 1}` : `exited ${last} ${runs - 1}`
  return { name, options: ['--restart', policy], script, ends, log: Array.from({ length: runs }, (_, index) => `line ${index + 1}`) }
}

const probe = (command: string) => ['--health-interval', '400ms', '--health-timeout', '5s', '--health-retries', '2', '--health-cmd', command]
const small = ['--log-opt', 'max-size=16k', '--log-opt', 'max-file=1000']
const echo = 'exec nc -ll -p 7000 -e cat'

/** Thirty containers, and with them every kind of thing that has to survive. */
export function makeFleet(): Member[] {
  const publishing = (index: number): Member => ({
    name: `port-${index}`, options: ['-p', `${10_700 + index}:7000`, ...(index < 3 ? probe('grep -q :1B58 /proc/net/tcp /proc/net/tcp6') : [])], script: echo, lives: true, ends: 'running 0 0', port: 10_700 + index,
    ...(index < 3 ? { health: 'healthy' as const } : {}),
  })
  return [
    writer('json', { options: [], count: 3000, burst: 10, pause: 100, code: 0 }),
    writer('json-code', { options: ['--log-driver', 'json-file'], count: 500, burst: 1, pause: 40, code: 7 }),
    writer('rotated', { options: small, count: 6000, burst: 20, pause: 100, code: 3 }),
    writer('rotated-fast', { options: small, count: 20_000, burst: 100, pause: 100, code: 4 }),
    writer('compressed', { options: [...small, '--log-opt', 'compress=true'], count: 8000, burst: 20, pause: 50, code: 5 }),
    writer('local', { options: ['--log-driver', 'local'], count: 3000, burst: 10, pause: 100, code: 6 }),
    writer('local-rotated', { options: ['--log-driver', 'local', ...small], count: 12_000, burst: 40, pause: 100, code: 8 }),
    writer('local-plain', { options: ['--log-driver', 'local', ...small, '--log-opt', 'compress=false'], count: 6000, burst: 40, pause: 150, code: 9 }),
    ...[1, 2, 3, 5].map((retries) => failing(`retries-${retries}`, { policy: `on-failure:${retries}`, runs: retries + 1, code: 10 + retries })),
    failing('retries-7', { policy: 'on-failure:7', runs: 8, code: 137, pause: 1 }),
    failing('mended', { policy: 'on-failure', runs: 6, code: 2, last: 0, pause: 0.5 }),
    failing('mended-late', { policy: 'on-failure:20', runs: 8, code: 1, last: 0, pause: 2 }),
    failing('always', { policy: 'always', runs: 7, code: 0, last: 'lives' }),
    failing('unless-stopped', { policy: 'unless-stopped', runs: 8, code: 5, last: 'lives', pause: 0.3 }),
    failing('unless-slow', { policy: 'unless-stopped', runs: 12, code: 1, last: 'lives', pause: 1.5 }),
    { name: 'no-0', options: [], script: 'sleep 3', ends: 'exited 0 0', log: [] },
    { name: 'no-42', options: ['--restart', 'no'], script: 'sleep 10; exit 42', ends: 'exited 42 0', log: [] },
    { name: 'no-signal', options: [], script: "sleep 20; sh -c 'kill -9 $$'; exit $?", ends: 'exited 137 0', log: [] },
    { name: 'no-child', options: ['--init'], script: 'sleep 5 & wait; exit 143', ends: 'exited 143 0', log: [] },
    ...[0, 1, 2, 3, 4].map(publishing),
    { name: 'sick', options: probe('exit 1'), script: 'exec sleep 100000', lives: true, ends: 'running 0 0', health: 'unhealthy' },
  ]
}

/** A member under way: what its process was at the beginning. */
export interface Sailing extends Member {
  id: string
  pid: number
  started: string
}

export async function setSail(stage: Stage, members: Member[]): Promise<Sailing[]> {
  const sailing: Sailing[] = []
  for (const member of members) {
    const id = await stage.ok('run', '-d', '--name', member.name, ...member.options, tiny, 'sh', '-c', member.script)
    const pid = Number(await stage.ok('inspect', '-f', '{{.State.Pid}}', id))
    sailing.push({ ...member, id, pid, started: startTime(pid) })
  }
  return sailing
}

export function assertLives({ name, lives, pid, started }: Sailing): void {
  if (lives !== true) return
  assert.ok(alive(pid) && startTime(pid) === started, `the process of ${name} is gone`)
}

/** One text for all lines that are not as they should be: the whole log would drown it. */
export function logDifference(expected: string[], text: string): string {
  const lines = text === '' ? [] : text.replace(/\n$/, '').split('\n')
  for (let index = 0; index < Math.max(expected.length, lines.length); index++) {
    if (lines[index] !== expected[index]) return `line ${index} of ${lines.length} is ${JSON.stringify(lines[index])} where ${JSON.stringify(expected[index])} of ${expected.length} has to be`
  }
  return ''
}
