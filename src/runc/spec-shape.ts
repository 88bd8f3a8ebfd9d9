import { ioClasses } from './io-priority.ts'
import { memoryPolicyFlags, memoryPolicyModes } from './memory-policy.ts'
import { personalities } from './personality.ts'
import { rlimitNumbers } from './rlimits.ts'
import { schedulerFlags, schedulerPolicies } from './scheduler.ts'
import { i32, i64, integer, list, map, object, oneOf, text, truth, u16, u32, u64, word64, type Shape } from './shape.ts'

const texts = list(text)
const id = integer(0, 0xffff_fffe)
const idMappings = list(object({ 'containerID!': id, 'hostID!': id, 'size!': integer(1, 0xffff_ffff) }))
const namespaceTypes = ['pid', 'network', 'mount', 'ipc', 'uts', 'user', 'cgroup', 'time']
const operators = ['SCMP_CMP_NE', 'SCMP_CMP_LT', 'SCMP_CMP_LE', 'SCMP_CMP_EQ', 'SCMP_CMP_GE', 'SCMP_CMP_GT', 'SCMP_CMP_MASKED_EQ']
/** One that is not known is told, and not given (OCI config.md, "capabilities"; `unknownCapabilities`). */
const capabilities = texts

export const processShape: Shape = object({
  terminal: truth,
  consoleSize: object({ 'height!': u16, 'width!': u16 }),
  'user!': object({ 'uid!': id, 'gid!': id, umask: integer(0, 0o7777), additionalGids: list(id) }),
  'args!': texts,
  env: texts,
  'cwd!': text,
  capabilities: object({ bounding: capabilities, effective: capabilities, inheritable: capabilities, permitted: capabilities, ambient: capabilities }),
  rlimits: list(object({ 'type!': oneOf(Object.keys(rlimitNumbers), 'a resource limit'), 'soft!': word64, 'hard!': word64 })),
  noNewPrivileges: truth,
  apparmorProfile: text,
  selinuxLabel: text,
  oomScoreAdj: integer(-1000, 1000),
  scheduler: object({
    'policy!': oneOf(Object.keys(schedulerPolicies), 'a policy'), nice: integer(-20, 19), priority: i32,
    flags: list(oneOf(Object.keys(schedulerFlags), 'a flag')), runtime: u64, deadline: u64, period: u64,
  }),
  ioPriority: object({ 'class!': oneOf(Object.keys(ioClasses), 'a class'), 'priority!': integer(0, 7) }),
  execCPUAffinity: object({ initial: text, final: text }),
})

const throttle = list(object({ 'major!': u32, 'minor!': u32, rate: u64 }))

/** `linux.resources`, also as `update` gets them. */
export const resourcesShape: Shape = object({
  devices: list(object({ 'allow!': truth, type: oneOf(['a', 'b', 'c', 'u', 'p', ''], 'a type of device'), major: i64, minor: i64, access: text })),
  memory: object({
    limit: i64, reservation: i64, swap: i64, kernel: i64, kernelTCP: i64, swappiness: word64, disableOOMKiller: truth, useHierarchy: truth,
    checkBeforeUpdate: truth,
  }),
  cpu: object({
    shares: u64, quota: i64, period: u64, burst: u64, realtimeRuntime: i64, realtimePeriod: u64, cpus: text, mems: text, idle: integer(0, 1),
  }),
  pids: object({ limit: i64 }),
  blockIO: object({
    weight: u16, leafWeight: u16,
    weightDevice: list(object({ 'major!': u32, 'minor!': u32, weight: u16, leafWeight: u16 })),
    throttleReadBpsDevice: throttle, throttleWriteBpsDevice: throttle, throttleReadIOPSDevice: throttle, throttleWriteIOPSDevice: throttle,
  }),
  hugepageLimits: list(object({ 'pageSize!': text, 'limit!': u64 })),
  network: object({ classID: u32, priorities: list(object({ 'name!': text, 'priority!': u32 })) }),
  rdma: map(object({ hcaHandles: u32, hcaObjects: u32 })),
  unified: map(text),
})

const seccompShape = object({
  'defaultAction!': text,
  defaultErrnoRet: u32,
  architectures: texts,
  flags: texts,
  listenerPath: text,
  listenerMetadata: text,
  syscalls: list(object({
    'names!': texts, 'action!': text, errnoRet: u32,
    args: list(object({ 'index!': integer(0, 5), 'value!': word64, valueTwo: word64, 'op!': oneOf(operators, 'an operator') })),
  })),
})

const hooks = list(object({ 'path!': text, args: texts, env: texts, timeout: integer(1, 0x7fff_ffff) }))

export const specShape: Shape = object({
  'ociVersion!': text,
  'process!': processShape,
  'root!': object({ 'path!': text, readonly: truth }),
  hostname: text,
  domainname: text,
  mounts: list(object({ 'destination!': text, type: text, source: text, options: texts, uidMappings: idMappings, gidMappings: idMappings })),
  hooks: object({ prestart: hooks, createRuntime: hooks, createContainer: hooks, startContainer: hooks, poststart: hooks, poststop: hooks }),
  annotations: map(text),
  linux: object({
    namespaces: list(object({ 'type!': oneOf(namespaceTypes, 'a namespace'), path: text })),
    uidMappings: idMappings,
    gidMappings: idMappings,
    timeOffsets: map(object({ secs: i64, nanosecs: integer(0, 999_999_999) })),
    devices: list(object({ 'path!': text, 'type!': oneOf(['b', 'c', 'u', 'p'], 'a type of device'), major: i64, minor: i64, fileMode: u32, uid: id, gid: id })),
    cgroupsPath: text,
    resources: resourcesShape,
    rootfsPropagation: text,
    seccomp: seccompShape,
    sysctl: map(text),
    maskedPaths: texts,
    readonlyPaths: texts,
    mountLabel: text,
    personality: object({ 'domain!': oneOf(Object.keys(personalities), 'a domain'), flags: texts }),
    netDevices: map(object({ name: text })),
    intelRdt: object({ closID: text, l3CacheSchema: text, memBwSchema: text, schemata: texts, enableMonitoring: truth }),
    memoryPolicy: object({ 'mode!': oneOf(Object.keys(memoryPolicyModes), 'a mode'), nodes: text, flags: list(oneOf(Object.keys(memoryPolicyFlags), 'a flag')) }),
  }),
})
