import { cpus, release, totalmem } from 'node:os'
import { read } from '../e2e/harness/processes.ts'
import { type ApiReport, ownClientTitle } from './api.ts'
import type { Footprint } from './footprint.ts'
import { median } from './timing.ts'
import type { Transfers } from './transfers.ts'

export interface Series {
  title: string
  /** Contender to milliseconds. */
  samples: Map<string, number[]>
}

export interface Report {
  versions: Map<string, string>
  rounds: number
  engines: Series[]
  footprints: Footprint[]
  runtimes: RuntimeReport
  transfers: Transfers
  api: ApiReport
  builds: Series[]
}

export interface RuntimeReport {
  /** Commands of the runtimes. */
  commands: Series[]
  inside: Series[]
  /** PSS of a monitor, KiB. */
  monitor: number
}

/** What the issue asks for, as ratios to dockerd. */
const targets: Record<string, number> = {
  'run --rm, bridge network': 0.35,
  'API start': 0.2,
  'exec true': 0.25,
  'API exec': 0.25,
  '50 × run --rm, in turn': 0.25,
  pull: 0.6,
  load: 0.6,
  'GET /containers/json, 50 containers': 0.7,
  'ps -a, 50 containers': 0.7,
  'GET /containers/json, 1000 containers': 0.7,
  'ps -a, 1000 containers': 0.7,
  'stats --no-stream, 50 running': 0.3,
  'a container prints a million lines': 0.5,
  'logs of a million lines': 0.5,
  '50 health checks a second, ms of processor a second': 0.3,
  'ps, 50 containers, each with its own client': 1.5,
  'push of what was pulled': 0.6,
  'push of what was loaded': 0.6,
  'save of what was pulled': 0.6,
  'save of what was loaded': 0.6,
  'six steps, without the cache': 0.6,
  'six steps, all in the cache': 0.3,
  'one changed file of 20,000': 0.5,
}

/** docs/benchmarks.md. */
export function write(report: Report): string {
  const processor = cpus()
  const machine = `${processor.length} × ${processor[0]?.model ?? 'unknown'}, ${Math.round(totalmem() / 1024 ** 3)} GiB, Linux ${release()}, ${/PRETTY_NAME="(.*)"/.exec(read('/etc/os-release'))?.[1] ?? ''}`
  const versions = [...report.versions].map(([name, version]) => `${name} ${version}`).join(', ')
  return `# Benchmarks

Written by \`make bench\`, ${new Date().toISOString().slice(0, 10)}. ${machine}.
${versions}.

Median of up to ${report.rounds} rounds in milliseconds, all contenders in turn within each round, each engine on a network namespace of its
own, the stock \`docker\` client unless another is named. The ratio is Gantry to dockerd: smaller is better. The first row is
what the client costs by itself; no engine can make a command of it faster than that.

${table(report.engines, 'gantryd', 'dockerd')}

${apiText(report.api)}

${networkPrice(report.engines)}

## Memory and idle processor time

PSS of everything that is not a container's own process: daemon, monitors or shims, proxies.

${footprintTable(report.footprints)}

## Runtimes alone

${runtimeText(report.runtimes)}

${transferText(report.transfers)}

${buildText(report.builds)}
`
}

/** What `--only runtimes` prints, and a part of docs/benchmarks.md. */
export function runtimeText({ commands, inside, monitor }: RuntimeReport): string {
  return `One bundle with new pid, network, ipc, uts and mount namespaces. What runtimes keep of containers is on a tmpfs, as /run is. The ratio
is gantry-runc to runc; the target for \`run\` is 1.20.

${table(commands, 'gantry-runc', 'runc', false)}

The same bundle run inside gantryd, where no Node has to start, beside \`crun run\`; the target is 1.00. crun refuses a host with
cgroups of both versions. So in the first row both run in a mount namespace in which only the empty v2 tree is mounted, and each makes
one cgroup; the second row is what gantryd takes where it makes one in each tree of this host. gantryd has a monitor for each
container, which crun has not; crun is a new program each time, which gantryd is not.

${table(inside, 'inside gantryd', 'crun', false)}

The monitor of an idle container has ${number(monitor / 1024)} MiB PSS; the target is 0.60.`
}

/** What `--only api` prints, and a part of docs/benchmarks.md. */
export function apiText({ times, processor }: ApiReport): string {
  const own = times.filter(({ title }) => title === ownClientTitle)
  return `## Lists, statistics, logs

${table(times.filter(({ title }) => title !== ownClientTitle), 'gantryd', 'dockerd')}

\`gantry\` with gantryd beside \`docker\` with dockerd:

${table(own, 'gantryd with gantry', 'dockerd')}

Fifty containers, each with a health check a second of \`true\`: processor time of the engine, of all that it starts, and of the containers,
in milliseconds a second.

${table([processor], 'gantryd', 'dockerd')}`
}

/** What `--only transfers` prints, and a part of docs/benchmarks.md. */
export function transferText({ times, memory, bytes }: Transfers): string {
  return `## Moving images

An image of ${Math.round(bytes / 1e6)} MB in 12 layers of this machine's programs, libraries and documents; registries are Debian's
docker-registry on the loopback device. Milliseconds. skopeo copies to and from a directory and unpacks nothing.
What each stores is on a new ext4 with a journal, mounted for it alone.

${table(times, 'gantryd', 'dockerd')}

The highest resident memory of the daemon meanwhile, MiB (dockerd unpacks in other processes, which are not counted); 150 is the
target for gantryd.

${table(memory, 'gantryd', 'dockerd', false)}`
}

/** What `--only builds` prints, and a part of docs/benchmarks.md. */
export function buildText(builds: Series[]): string {
  const modern = builds.some(({ samples }) => samples.has('dockerd with buildx'))
  return `## Builds

Milliseconds, commands as a user gives them. dockerd and gantryd through the stock client without BuildKit; buildah with a chroot.
What each stores is on a new ext4 with a journal, mounted for it alone.

${table(builds, 'gantryd', 'dockerd')}${modern ? `\n\n\`gantry build\` beside dockerd's BuildKit:\n\n${table(builds, 'gantryd with gantry', 'dockerd with buildx')}` : ''}`
}

function table(series: Series[], ours: string, theirs: string, withTargets = true): string {
  const names = [...new Set(series.flatMap(({ samples }) => [...samples.keys()]))]
  const rows = series.map(({ title, samples }) => {
    const of = (name: string) => median(samples.get(name) ?? [])
    const ratio = of(ours) / of(theirs)
    const target = withTargets ? targets[title] : undefined
    const wanted = target === undefined ? '' : `${target.toFixed(2)}${ratio <= target ? '' : ' (missed)'}`
    return [title, ...names.map((name) => number(of(name))), ratioText(ratio), wanted]
  })
  return markdown(['', ...names, 'ratio', 'target'], rows)
}

/** A start on the bridge beside one on none. */
function networkPrice(engines: Series[]): string {
  const of = (network: string): number => median(engines.find(({ title }) => title === `API create and start, ${network} network`)?.samples.get('gantryd') ?? [])
  return `Create and start on the bridge take gantryd ${ratioText(of('bridge') / of('none'))} times what they take on none; the target is 1.15.`
}

function footprintTable(footprints: Footprint[]): string {
  const reference = footprints.find(({ name }) => name === 'dockerd')
  const rows = footprints.map((each) => [
    each.name,
    number(each.idle / 1024),
    number(each.perContainer / 1024),
    reference === undefined ? '–' : ratioText(each.perContainer / reference.perContainer),
    number(each.processor),
  ])
  return markdown(['', 'without containers, MiB', 'per container, MiB', 'ratio (target 0.30)', 'ms of processor a second'], rows)
}

function markdown(head: string[], rows: string[][]): string {
  return [head, head.map((_, index) => (index === 0 ? '---' : '---:')), ...rows].map((cells) => `| ${cells.join(' | ')} |`).join('\n')
}

function number(value: number): string {
  if (!Number.isFinite(value)) return '–'
  return value >= 100 ? value.toFixed(0) : value.toFixed(value >= 10 ? 1 : 2)
}

function ratioText(value: number): string {
  return Number.isFinite(value) ? value.toFixed(2) : '–'
}
