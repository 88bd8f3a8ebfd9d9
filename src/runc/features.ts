import { capabilityNames } from '../kernel/capabilities.ts'
import { propertyPrefix } from '../kernel/cgroup/systemd-annotations.ts'
import { memoryPolicyFlags, memoryPolicyModes } from './memory-policy.ts'
import { parseMountOptions, parsePropagation } from './mounts/options.ts'
import { commit, specVersion, version } from './version.ts'
import type { OciNamespace, OciProcess, OciSpec } from './spec.ts'
import { validateSpec } from './validate.ts'

const hooks = ['prestart', 'createRuntime', 'createContainer', 'startContainer', 'poststart', 'poststop']
const namespaces: OciNamespace[] = ['cgroup', 'ipc', 'mount', 'network', 'pid', 'time', 'user', 'uts']

/** Names of options that mount(8), the specification and runc know; which of them are known here is asked of the parser. */
const mountOptions = [
  ...['', 'r'].flatMap((recursive) =>
    ['ro', 'rw', 'suid', 'nosuid', 'dev', 'nodev', 'exec', 'noexec', 'atime', 'noatime', 'diratime', 'nodiratime', 'relatime', 'norelatime', 'strictatime', 'nostrictatime', 'symfollow', 'nosymfollow',
      'private', 'shared', 'slave', 'unbindable', 'bind'].map((name) => recursive + name)),
  'acl', 'noacl', 'async', 'sync', 'defaults', 'dirsync', 'iversion', 'noiversion', 'lazytime', 'nolazytime', 'loud', 'silent', 'mand', 'nomand', 'remount', 'tmpcopyup', 'idmap', 'ridmap',
]

/**
 * What this runtime can do, in the form of the OCI runtime specification (features.md). What may be refused is tried on the
 * validator rather than listed, so that it cannot say more than the runtime does.
 */
export function describeFeatures(): Record<string, unknown> {
  return {
    ociVersionMin: '1.0.0',
    ociVersionMax: specVersion,
    hooks: hooks.filter((name) => accepts({ hooks: { [name]: [{ path: '/bin/true' }] } })),
    mountOptions: mountOptions.filter(isKnownOption).toSorted(),
    linux: {
      namespaces: namespaces.filter(acceptsNamespace),
      capabilities: [...capabilityNames],
      cgroup: { v1: true, v2: true, systemd: true, systemdUser: true, rdma: true },
      seccomp: {
        enabled: true,
        actions: ['ALLOW', 'ERRNO', 'KILL', 'KILL_PROCESS', 'KILL_THREAD', 'LOG', ...(acceptsAction('SCMP_ACT_NOTIFY') ? ['NOTIFY'] : []), 'TRACE', 'TRAP'].map((name) => `SCMP_ACT_${name}`),
        operators: ['EQ', 'GE', 'GT', 'LE', 'LT', 'MASKED_EQ', 'NE'].map((name) => `SCMP_CMP_${name}`),
        archs: process.arch === 'arm64' ? ['SCMP_ARCH_AARCH64', 'SCMP_ARCH_ARM'] : ['SCMP_ARCH_X32', 'SCMP_ARCH_X86', 'SCMP_ARCH_X86_64'],
      },
      apparmor: { enabled: acceptsProcess({ apparmorProfile: 'a' }) },
      selinux: { enabled: acceptsProcess({ selinuxLabel: 'a' }) },
      intelRdt: { enabled: true, schemata: true },
      netDevices: { enabled: true },
      memoryPolicy: { modes: Object.keys(memoryPolicyModes), flags: Object.keys(memoryPolicyFlags) },
      mountExtensions: { idmap: { enabled: acceptsMappedMount() } },
    },
    annotations: { 'io.gantry.commit': commit, 'io.gantry.version': version, 'org.opencontainers.runc.checkpoint.enabled': 'true' },
    potentiallyUnsafeConfigAnnotations: [propertyPrefix],
  }
}

function isKnownOption(name: string): boolean {
  try {
    return parsePropagation(name) !== undefined || !parseMountOptions([name]).data.includes(name)
  } catch {
    return false
  }
}

const map = [{ containerID: 0, hostID: 1000, size: 1 }]

function acceptsNamespace(type: OciNamespace): boolean {
  const others: OciNamespace[] = type === 'mount' ? [] : ['mount']
  const maps = type === 'user' ? { uidMappings: map, gidMappings: map } : {}
  return accepts({ linux: { namespaces: [...others, type].map((each) => ({ type: each })), ...maps } })
}

function acceptsMappedMount(): boolean {
  return accepts({ mounts: [{ destination: '/a', type: 'bind', source: '/a', options: ['bind'], uidMappings: map, gidMappings: map }] })
}

function acceptsAction(defaultAction: string): boolean {
  return accepts({ linux: { namespaces: [{ type: 'mount' }], seccomp: { defaultAction: 'SCMP_ACT_ALLOW', listenerPath: '/a', syscalls: [{ names: ['chdir'], action: defaultAction }] } } })
}

function acceptsProcess(change: Partial<OciProcess>): boolean {
  return accepts({ process: { args: ['a'], cwd: '/', user: { uid: 0, gid: 0 }, ...change } })
}

function accepts(change: Partial<OciSpec>): boolean {
  try {
    validateSpec({ ociVersion: specVersion, root: { path: '/a' }, process: { args: ['a'], cwd: '/', user: { uid: 0, gid: 0 } }, linux: { namespaces: [{ type: 'mount' }] }, ...change })
    return true
  } catch {
    return false
  }
}
