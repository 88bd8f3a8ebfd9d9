import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { array, assert as check, constantFrom, jsonValue, oneof, property, tuple } from 'fast-check'
import { capabilityMask, capabilityNames } from '../../../src/kernel/capabilities.ts'
import { detectLayout } from '../../../src/kernel/cgroup/layout.ts'
import { encodeProgram } from '../../../src/kernel/program-codec.ts'
import { GantryError } from '../../../src/lib/errors.ts'
import { compileContainer } from '../../../src/runc/compile-container.ts'
import type { OciSpec } from '../../../src/runc/spec.ts'
import { sampleSpec } from './sample-spec.ts'

/** A specification in which nearly every field is used, so that mutations find it. */
function fullSpec(): OciSpec {
  const spec = sampleSpec('/r')
  const map = [{ containerID: 0, hostID: 100_000, size: 65_536 }]
  Object.assign(spec.process!, {
    terminal: false, consoleSize: { height: 1, width: 2 }, rlimits: [{ type: 'RLIMIT_NOFILE', soft: 1, hard: 2 }], oomScoreAdj: 5, noNewPrivileges: false,
    scheduler: { policy: 'SCHED_OTHER', nice: 1, flags: [] }, ioPriority: { class: 'IOPRIO_CLASS_BE', priority: 4 }, execCPUAffinity: { initial: '0', final: '0-1' },
  })
  spec.mounts!.push({ destination: '/data', type: 'bind', source: '/srv', options: ['rbind', 'rro', 'rslave'], uidMappings: map, gidMappings: map })
  spec.annotations = { a: 'b' }
  const hook = { path: '/bin/true', args: ['true'], env: ['A=b'], timeout: 5 }
  spec.hooks = { prestart: [hook], createRuntime: [hook], createContainer: [hook], startContainer: [hook], poststart: [hook], poststop: [hook] }
  spec.linux!.namespaces!.push({ type: 'user' }, { type: 'time' })
  Object.assign(spec.linux!, {
    uidMappings: map, gidMappings: map, timeOffsets: { boottime: { secs: 1, nanosecs: 2 } }, sysctl: { 'net.ipv4.ip_forward': '1' }, rootfsPropagation: 'rslave',
    devices: [{ path: '/dev/fuse', type: 'c', major: 10, minor: 229, fileMode: 438, uid: 0, gid: 0 }], personality: { domain: 'LINUX' }, cgroupsPath: '/a/b',
    seccomp: { defaultAction: 'SCMP_ACT_ALLOW', architectures: ['SCMP_ARCH_X86_64'], flags: ['SECCOMP_FILTER_FLAG_LOG'], listenerPath: '/run/l', listenerMetadata: 'm',
      syscalls: [{ names: ['mount', 'umount2'], action: 'SCMP_ACT_ERRNO', errnoRet: 1, args: [{ index: 0, value: 1, valueTwo: 2, op: 'SCMP_CMP_MASKED_EQ' }] }, { names: ['chroot'], action: 'SCMP_ACT_NOTIFY' }] },
    memoryPolicy: { mode: 'MPOL_BIND', nodes: '0', flags: [] },
    resources: {
      devices: [{ allow: false, access: 'rwm' }], memory: { limit: 1 << 26, swap: 1 << 27, reservation: 1 << 20 }, cpu: { shares: 512, quota: 1000, period: 2000, cpus: '0', mems: '0' },
      pids: { limit: 10 }, blockIO: { weight: 100, throttleReadBpsDevice: [{ major: 8, minor: 0, rate: 5 }] }, hugepageLimits: [{ pageSize: '2MB', limit: 0 }],
      rdma: { mlx: { hcaHandles: 1, hcaObjects: 2 } }, unified: { 'memory.high': '1' },
    },
  })
  return JSON.parse(JSON.stringify(spec)) as OciSpec // nothing in it twice
}

type Path = (string | number)[]

function pathsOf(value: unknown, at: Path = []): Path[] {
  const inside = typeof value === 'object' && value !== null ? Object.entries(value).flatMap(([key, entry]) => pathsOf(entry, [...at, Array.isArray(value) ? Number(key) : key])) : []
  return at.length === 0 ? inside : [at, ...inside]
}

function mutate(spec: OciSpec, path: Path, value: unknown): void {
  let place = spec as unknown as Record<string | number, unknown>
  for (const key of path.slice(0, -1)) {
    const next = place[key]
    if (typeof next !== 'object' || next === null) return // an earlier mutation has taken it away
    place = next as Record<string | number, unknown>
  }
  if (value === undefined) delete place[path.at(-1)!]
  else place[path.at(-1)!] = value
}

const row = '31 30 0:9 / /sys/fs/cgroup rw,relatime - cgroup2 cgroup2 rw'
const layout = detectLayout(row, () => ['cpu', 'cpuset', 'io', 'memory', 'pids', 'hugetlb', 'rdma'])
const options = {
  rootfs: '/merged', directory: '/run/x', cgroupPath: '/docker/id', capabilities: capabilityMask(capabilityNames), layout, isDirectory: () => true,
  stdio: { terminal: false, stdin: false }, caller: { uid: 0, gid: 0 }, readTree: () => [], security: { apparmor: true, selinux: true, resctrl: true },
}
const paths = pathsOf(fullSpec())
const strange = oneof(
  constantFrom<unknown>(undefined, null, '', '/', '..', 'a\0b', '%', -1, 0, 1.5, 2 ** 53, -(2 ** 63), NaN, true, [], {}, [null], [[]], [''], { a: null }, 'x'.repeat(5000), '/proc/self/fd/7', 'constructor', '__proto__'),
  jsonValue({ maxDepth: 2 }),
)

describe('a specification that was tampered with', { skip: process.arch !== 'x64' && 'names a system call of x86-64' }, () => {
  test('is whole before', () => {
    assert.ok(encodeProgram(compileContainer({ ...options, spec: fullSpec() })).length > 0)
  })

  test('becomes a program that can be written down, or is refused with the name of a field', () => {
    const mutations = array(tuple(constantFrom(...paths), strange), { minLength: 1, maxLength: 3 })
    let refused = 0
    check(
      property(mutations, (changes) => {
        const spec = fullSpec()
        for (const [path, value] of changes) mutate(spec, path, value)
        try {
          encodeProgram(compileContainer({ ...options, spec }))
        } catch (error) {
          refused++
          assert.ok(error instanceof GantryError, `${String(error)}\n${(error as Error).stack}`)
          assert.equal(error.kind, 'InvalidParameter')
          assert.match(error.message, /^cannot (use specification: [a-zA-Z]|set linux\.resources\.)/)
        }
      }),
      { numRuns: 1000 },
    )
    assert.ok(refused > 300, `${refused} were refused`)
  })

  test('names the very field that is wrong', () => {
    // A value that no field takes; the refusal names the field, what it is in, or its entries.
    for (const path of paths) {
      const spec = fullSpec()
      mutate(spec, path, Symbol.iterator)
      const field = path.reduce<string>((text, key) => (typeof key === 'number' ? `${text}[${key}]` : text === '' ? key : `${text}.${key}`), '')
      assert.throws(() => compileContainer({ ...options, spec }), (error: Error) => error.message.startsWith(`cannot use specification: ${field}`), field)
    }
  })
})
