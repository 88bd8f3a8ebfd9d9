import type { FlagValues } from '../grammar/flag.ts'
import { keyValues } from './environment.ts'
import { device, deviceRate, deviceRequests, deviceWeight, isCdiDevice } from './devices.ts'
import { readMount } from './mounts.ts'
import { OptionError } from './option-error.ts'
import { portBindings } from './ports.ts'
import { resources } from './resources.ts'
import { capabilities, securityOptions } from './security.ts'
import { splitVolumes } from './volumes.ts'

/** HostConfig of a create request. */
export function hostConfig(
  flags: FlagValues,
  given: { networkMode: string; consoleSize: [number, number] },
): { AutoRemove: boolean; [field: string]: unknown } {
  const security = securityOptions(flags.list('security-opt'))
  const restart = restartPolicy(flags)
  checkNamespaces(flags)
  const tmpfs = flags.list('tmpfs').map((word) => [word.split(':', 1)[0]!, word.includes(':') ? word.slice(word.indexOf(':') + 1) : ''])
  const optional = {
    Annotations: keyValues(flags.list('annotation')),
    Tmpfs: Object.fromEntries(tmpfs) as Record<string, string>,
    Sysctls: keyValues(flags.list('sysctl')),
    StorageOpt: storageOptions(flags),
  }
  return {
    Binds: orNull(splitVolumes(flags.list('volume')).binds),
    ContainerIDFile: flags.string('cidfile'),
    LogConfig: logConfig(flags),
    NetworkMode: given.networkMode,
    PortBindings: portBindings(flags),
    RestartPolicy: restart,
    AutoRemove: flags.boolean('rm'),
    VolumeDriver: flags.string('volume-driver'),
    VolumesFrom: orNull(flags.list('volumes-from')),
    ConsoleSize: given.consoleSize,
    CapAdd: capabilities(flags.list('cap-add')),
    CapDrop: capabilities(flags.list('cap-drop')),
    CgroupnsMode: flags.string('cgroupns'),
    Dns: flags.list('dns'),
    DnsOptions: flags.list('dns-option'),
    DnsSearch: flags.list('dns-search'),
    ExtraHosts: orNull(flags.list('add-host').map((word) => word.replace(/^([^:=]+)[=:]/, '$1:'))),
    GroupAdd: orNull(flags.list('group-add')),
    IpcMode: flags.string('ipc'),
    Cgroup: '',
    Links: orNull(flags.list('link')),
    OomScoreAdj: flags.number('oom-score-adj'),
    PidMode: flags.string('pid'),
    Privileged: flags.boolean('privileged'),
    PublishAllPorts: flags.boolean('publish-all'),
    ReadonlyRootfs: flags.boolean('read-only'),
    SecurityOpt: flags.list('security-opt').length > 0 ? security.options : null,
    UTSMode: flags.string('uts'),
    UsernsMode: flags.string('userns'),
    ShmSize: flags.number('shm-size'),
    ...(flags.string('runtime') && { Runtime: flags.string('runtime') }),
    Isolation: flags.string('isolation'),
    ...resources(flags),
    Devices: flags.list('device').filter((word) => !isCdiDevice(word)).map(device),
    DeviceCgroupRules: orNull(flags.list('device-cgroup-rule')),
    DeviceRequests: orNull(deviceRequests(flags)),
    BlkioWeightDevice: flags.list('blkio-weight-device').map(deviceWeight),
    BlkioDeviceReadBps: flags.list('device-read-bps').map((word) => deviceRate(word, 'bytes')),
    BlkioDeviceWriteBps: flags.list('device-write-bps').map((word) => deviceRate(word, 'bytes')),
    BlkioDeviceReadIOps: flags.list('device-read-iops').map((word) => deviceRate(word, 'operations')),
    BlkioDeviceWriteIOps: flags.list('device-write-iops').map((word) => deviceRate(word, 'operations')),
    ...(flags.list('mount').length > 0 && { Mounts: flags.list('mount').map(readMount) }),
    MaskedPaths: security.maskedPaths,
    ReadonlyPaths: security.maskedPaths,
    ...(flags.has('init') && { Init: flags.boolean('init') }),
    ...Object.fromEntries(Object.entries(optional).filter(([, value]) => Object.keys(value).length > 0)),
  }
}

export function restartPolicy(flags: FlagValues): { Name: string; MaximumRetryCount: number } {
  const text = flags.string('restart', 'no')
  const [name, count, ...more] = text.split(':')
  if (more.length > 0 || (count !== undefined && !/^-?\d+$/.test(count))) {
    throw new OptionError(more.length > 0 ? 'invalid restart policy format' : 'maximum retry count must be an integer')
  }
  if (flags.boolean('rm') && name !== 'no' && name !== '') throw new OptionError('conflicting options: cannot specify both --restart and --rm')
  return { Name: name!, MaximumRetryCount: Number(count ?? 0) }
}

function logConfig(flags: FlagValues): { Type: string; Config: Record<string, string> } {
  const driver = flags.string('log-driver')
  const config = keyValues(flags.list('log-opt'))
  if (driver === 'none' && Object.keys(config).length > 0) throw new OptionError('invalid logging opts for driver none')
  return { Type: driver, Config: config }
}

function storageOptions(flags: FlagValues): Record<string, string> {
  const words = flags.list('storage-opt')
  if (words.some((word) => !word.includes('='))) throw new OptionError('invalid storage option')
  return keyValues(words)
}

function checkNamespaces(flags: FlagValues): void {
  const rules: [string, string, RegExp][] = [
    ['pid', 'PID', /^(host|container:.+)?$/],
    ['uts', 'UTS', /^(host)?$/],
    ['userns', 'USER', /^(host)?$/],
    ['cgroupns', 'CGROUP', /^(host|private)?$/],
  ]
  for (const [name, shown, pattern] of rules) {
    if (!pattern.test(flags.string(name))) throw new OptionError(`--${name}: invalid ${shown} mode`)
  }
}

function orNull<T>(list: T[]): T[] | null {
  return list.length > 0 ? list : null
}
