import { isIP } from 'node:net'
import { deviceRate, deviceWeight } from './devices.ts'
import { readMount } from './mounts.ts'
import { readUlimit } from './ulimit.ts'

/** What is refused while the flag is read, with docker's words; by flag name. */
export const flagChecks: Record<string, (text: string) => void> = {
  env: (text) => refuse(text.startsWith('=') || text === '', `invalid environment variable: ${text}`),
  label: (text) => refuse(text.startsWith('='), `invalid label '${text}': empty name`),
  attach: (text) => refuse(!/^(stdin|stdout|stderr)$/i.test(text), 'valid streams are STDIN, STDOUT and STDERR'),
  dns: (text) => refuse(isIP(text.trim()) === 0, `IP address is not correctly formatted: ${text}`),
  'add-host': checkHost,
  sysctl: (text) => refuse(!allowedSysctl.test(text), `sysctl '${text}' is not allowed`),
  'device-cgroup-rule': (text) => refuse(!/^[acb] (\d+|\*):(\d+|\*) [rwm]{1,3}$/.test(text), `invalid device cgroup format '${text}'`),
  mount: readMount,
  ulimit: readUlimit,
  'blkio-weight-device': deviceWeight,
  'device-read-bps': (text) => deviceRate(text, 'bytes'),
  'device-write-bps': (text) => deviceRate(text, 'bytes'),
  'device-read-iops': (text) => deviceRate(text, 'operations'),
  'device-write-iops': (text) => deviceRate(text, 'operations'),
}

const allowedSysctl = /^(kernel\.(msgmax|msgmnb|msgmni|sem|shmall|shmmax|shmmni|shm_rmid_forced)|net\.[^=]+|fs\.mqueue\.[^=]+)=/

function refuse(condition: boolean, reason: string): void {
  if (condition) throw new Error(reason)
}

function checkHost(text: string): void {
  const match = /^([^:=]+)[=:](.+)$/.exec(text)
  refuse(!match, `bad format for add-host: ${JSON.stringify(text)}`)
  const ip = match![2]!.replace(/^\[(.*)\]$/, '$1')
  refuse(ip !== 'host-gateway' && isIP(ip) === 0, `invalid IP address in add-host: ${JSON.stringify(match![2])}`)
}
