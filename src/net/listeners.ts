import { existsSync, readFileSync } from 'node:fs'
import type { PortRule } from './port-holder.ts'
import { isAnyAddress } from './port-holder.ts'

const tcpListen = '0A'

/** The first port of a range on which a process of this host listens already (proc_net(5)); undefined: none. */
export function busyPort(rule: PortRule): number | undefined {
  const wildcard = isAnyAddress(rule.hostIp)
  for (const file of [`/proc/net/${rule.protocol}`, `/proc/net/${rule.protocol}6`]) {
    if (!existsSync(file)) continue
    for (const line of readFileSync(file, 'utf8').split('\n').slice(1)) {
      const [, local = '', , state = ''] = line.trim().split(/\s+/)
      const [address = '', portText = ''] = local.split(':')
      const port = Number.parseInt(portText, 16)
      if (!(port >= rule.hostPort) || port >= rule.hostPort + (rule.count ?? 1)) continue
      if (rule.protocol === 'tcp' && state !== tcpListen) continue
      if (wildcard ? isV6(address) === rule.hostIp.includes(':') || isZero(address) : isZero(address)) return port
    }
  }
  return undefined
}

function isV6(address: string): boolean {
  return address.length > 8
}

function isZero(address: string): boolean {
  return /^0+$/.test(address)
}
