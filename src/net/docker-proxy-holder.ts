import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { startDaemon } from '../kernel/daemon-process.ts'
import type { OpenFailure, PortHolder, HeldRule } from './port-holder.ts'
import { ruleKey } from './port-holder.ts'

/** --userland-proxy-path: any program with docker-proxy's flags, one process a rule. */
export class DockerProxyHolder implements PortHolder {
  readonly carriesIPv6 = true
  readonly #program: readonly [string, ...string[]]
  readonly #folder: string

  constructor(options: { program: readonly [string, ...string[]]; runtimeDir: string }) {
    this.#program = options.program
    this.#folder = path.join(options.runtimeDir, 'proxies')
    mkdirSync(this.#folder, { recursive: true, mode: 0o700 })
  }

  async open(rules: readonly HeldRule[]): Promise<OpenFailure | undefined> {
    const opened: HeldRule[] = []
    for (const [index, rule] of rules.entries()) {
      if (this.#runningPid(rule) !== undefined) continue
      const text = await this.#start(rule)
      if (text === undefined) {
        opened.push(rule)
        continue
      }
      await this.close(opened)
      const inUse = /address already in use|EADDRINUSE/.test(text)
      return { index, code: inUse ? 'EADDRINUSE' : '', text: inUse ? 'address already in use' : text }
    }
    return undefined
  }

  async close(rules: readonly HeldRule[]): Promise<void> {
    await Promise.all(rules.map((rule) => this.#stop(this.#recordOf(rule))))
  }

  async reconcile(rules: readonly HeldRule[]): Promise<HeldRule[]> {
    const wanted = new Set(rules.map((rule) => this.#recordOf(rule)))
    for (const name of readdirSync(this.#folder)) {
      const record = path.join(this.#folder, name)
      if (!wanted.has(record)) await this.#stop(record)
    }
    const failed: HeldRule[] = []
    for (const rule of rules) if ((await this.open([rule])) !== undefined) failed.push(rule)
    return failed
  }

  leave(): Promise<void> {
    return Promise.resolve()
  }

  /** @returns why it did not start */
  async #start(rule: HeldRule): Promise<string | undefined> {
    const [program, ...rest] = this.#program
    const record = this.#recordOf(rule)
    const { pid, report } = await startDaemon({
      argv: [
        program, ...rest, '-proto', rule.protocol, '-host-ip', rule.hostIp, '-host-port', String(rule.hostPort),
        '-container-ip', rule.containerIp, '-container-port', String(rule.containerPort),
      ],
      pidfile: record,
      logfile: path.join(path.dirname(this.#folder), 'proxy.log'),
    })
    if (report.startsWith('0')) {
      writeFileSync(record, `${pid} ${startTime(pid) ?? ''}`)
      return undefined
    }
    rmSync(record, { force: true })
    return report.replace(/^1\n/, '').trim() || `${program} ended at once`
  }

  #recordOf(rule: HeldRule): string {
    return path.join(this.#folder, `${ruleKey(rule)}-${rule.containerIp}-${rule.containerPort}`.replaceAll('/', '-'))
  }

  #runningPid(rule: HeldRule): number | undefined {
    return livingProcess(this.#recordOf(rule))
  }

  /** Comes back when the process is gone, since its port is free only then. */
  async #stop(record: string): Promise<void> {
    for (let waited = 0; livingProcess(record) !== undefined; waited += 5) {
      const pid = livingProcess(record) ?? 0
      if (pid > 0 && (waited === 0 || waited >= 1000)) process.kill(pid, waited === 0 ? 'SIGTERM' : 'SIGKILL')
      await sleep(5)
    }
    rmSync(record, { force: true })
  }
}

/** The process of a record, when it is still the same one: process ids come round again. */
function livingProcess(record: string): number | undefined {
  try {
    const [pid = 0, started] = readFileSync(record, 'utf8').trim().split(' ').map(Number)
    return started !== undefined && startTime(pid) === started ? pid : undefined
  } catch {
    return undefined
  }
}

/** Field 22 of /proc/<pid>/stat, proc(5). */
function startTime(pid: number): number | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
    return fields[0] === 'Z' ? undefined : Number(fields[19])
  } catch {
    return undefined
  }
}
