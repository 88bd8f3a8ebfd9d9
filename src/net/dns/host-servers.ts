import { readFileSync, statSync } from 'node:fs'
import { isIP } from 'node:net'

/** The host's name servers as they are at the moment: a host changes its network, and with it the file. */
export class HostServers {
  readonly #path: string
  #seen = ''
  #servers: string[] = []

  constructor(path = '/etc/resolv.conf') {
    this.#path = path
  }

  list(): readonly string[] {
    const stat = statSync(this.#path, { bigint: true, throwIfNoEntry: false })
    const seen = stat === undefined ? '' : `${stat.dev} ${stat.ino} ${stat.size} ${stat.mtimeNs}`
    if (seen !== this.#seen) {
      this.#servers = stat === undefined ? [] : nameservers(readFileSync(this.#path, 'utf8'))
      this.#seen = seen
    }
    return this.#servers
  }
}

function nameservers(text: string): string[] {
  return [...text.matchAll(/^[ \t]*nameserver[ \t]+([^\s#;]+)/gm)].map(([, address = '']) => address).filter((address) => isIP(address) !== 0)
}
