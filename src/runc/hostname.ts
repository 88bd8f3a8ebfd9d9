import type { ProgramBuilder } from '../kernel/program-builder.ts'
import type { OciSpec } from './spec.ts'

/** Names of the uts namespace. `validateSpec` makes sure that it is not the host's. */
export function setHostname(builder: ProgramBuilder, { hostname, domainname }: OciSpec): void {
  if (hostname) builder.call(`set hostname ${hostname}`, 'sethostname', [builder.string(hostname), Buffer.byteLength(hostname)])
  if (domainname) builder.call(`set domainname ${domainname}`, 'setdomainname', [builder.string(domainname), Buffer.byteLength(domainname)])
}
