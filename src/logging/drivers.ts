import type { RemoteDriver } from './contract.ts'
import { fluentd } from './fluentd/fluentd.ts'
import { gelf } from './gelf/gelf.ts'
import { journald } from './journald/journald.ts'
import { syslog } from './syslog/syslog.ts'

/** Beside those that write files which stay here, and the one that writes nothing. */
export const remoteDrivers: readonly RemoteDriver[] = [fluentd, gelf, journald, syslog]

export function remoteDriver(name: string): RemoteDriver | undefined {
  return remoteDrivers.find((driver) => driver.name === name)
}
