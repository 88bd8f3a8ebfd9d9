import { closeSync, openSync, writeFileSync } from 'node:fs'
import type { HomeNamespace } from '../../kernel/netlink/namespace.ts'
import { GantryError } from '../../lib/errors.ts'

/** "net.ipv4.conf.IFNAME.log_martians=1,…"; clients may have made it lower case. */
export const sysctlsOption = 'com.docker.network.endpoint.sysctls'

const form = /^net\.(ipv4|ipv6|mpls)\.([a-z]+)\.(?:IFNAME|ifname)\.([\w-]+)=(.*)$/s

/** Docker's text for each that is none of an interface. */
export function sysctlFaults(text: string | undefined): string[] {
  return wordsOf(text).filter((word) => !form.test(word))
    .map((word) => `unrecognised network interface sysctl '${word}'; represent 'net.X.Y.ethN.Z=V' as 'net.X.Y.IFNAME.Z=V', 'X' must be 'ipv4', 'ipv6' or 'mpls'`)
}

/** Sets them for the interface in the namespace of `pid`: what is below /proc/sys/net is that of who opens it. @throws InvalidParameter */
export function applySysctls(home: HomeNamespace, text: string, { pid, name }: { pid: number; name: string }): void {
  home.visit(pid, (_, namespace) => {
    for (const word of wordsOf(text)) {
      const [, family = '', group = '', key = '', value = ''] = form.exec(word) ?? []
      try {
        const file = home.within(namespace, `process ${pid}`, () => openSync(`/proc/sys/net/${family}/${group}/${name}/${key}`, 'w'))
        try {
          writeFileSync(file, value)
        } finally {
          closeSync(file)
        }
      } catch (error) {
        throw new GantryError('InvalidParameter', `cannot set sysctl net.${family}.${group}.${name}.${key} to ${value}: ${(error as NodeJS.ErrnoException).code ?? String(error)}`, { cause: error })
      }
    }
  })
}

function wordsOf(text: string | undefined): string[] {
  return text === undefined ? [] : text.split(',')
}
