import { readClientConfig, writeClientConfig, type StoredAccount } from './config-file.ts'
import { helperErase, helperGet, helperStore } from './credential-helper.ts'
import { addressOfReference, hostOf } from './registry-address.ts'

/** The Engine API's AuthConfig. */
export interface Credentials {
  username?: string
  password?: string
  identitytoken?: string
  registrytoken?: string
  serveraddress?: string
}

/** The credentials of the user whose configuration is in `directory`. */
export class CredentialStore {
  readonly #directory: string

  constructor(directory: string) {
    this.#directory = directory
  }

  /** Empty but for the address when none are kept. */
  async get(address: string): Promise<Credentials> {
    const config = readClientConfig(this.#directory)
    const helper = this.#helper(address)
    if (helper !== undefined) return await fromHelper(helper, address)
    const accounts = config.auths ?? {}
    const key = Object.hasOwn(accounts, address) ? address : Object.keys(accounts).find((each) => hostOf(each) === address)
    return { ...(key === undefined ? {} : decoded(accounts[key]!)), serveraddress: address }
  }

  /** The header that a pull or push of the reference sends. */
  async headerFor(reference: string): Promise<Record<string, string>> {
    return authHeader(await this.get(addressOfReference(reference)))
  }

  /** @returns the file that now holds the credentials in the clear, or nothing where a helper has them */
  async store(address: string, credentials: Credentials): Promise<string | undefined> {
    const config = readClientConfig(this.#directory)
    const helper = this.#helper(address)
    const { username = '', password = '', identitytoken } = credentials
    if (helper !== undefined) {
      await helperStore(helper, { ServerURL: address, Username: identitytoken ? '<token>' : username, Secret: identitytoken || password })
    }
    const auth = Buffer.from(`${username}:${identitytoken ? '' : password}`).toString('base64')
    const account: StoredAccount = helper === undefined ? { auth, ...(identitytoken && { identitytoken }) } : {}
    writeClientConfig(this.#directory, { ...config, auths: { ...config.auths, [address]: account } })
    return helper === undefined ? `${this.#directory}/config.json` : undefined
  }

  async erase(addresses: readonly string[]): Promise<void> {
    for (const address of addresses) {
      const helper = this.#helper(address)
      if (helper !== undefined) await helperErase(helper, address)
    }
    const config = readClientConfig(this.#directory)
    const auths = Object.entries(config.auths ?? {})
    const kept = auths.filter(([address]) => !addresses.includes(address))
    if (kept.length < auths.length) writeClientConfig(this.#directory, { ...config, auths: Object.fromEntries(kept) })
  }

  #helper(address: string): string | undefined {
    const { credHelpers, credsStore } = readClientConfig(this.#directory)
    return credHelpers?.[address] || credsStore || undefined
  }
}

/** X-Registry-Auth: JSON in base64url, padded. Nothing for strangers. */
export function authHeader(credentials: Credentials): Record<string, string> {
  const { username, password, identitytoken, registrytoken } = credentials
  if (!username && !password && !identitytoken && !registrytoken) return {}
  const text = Buffer.from(JSON.stringify(credentials)).toString('base64').replaceAll('+', '-').replaceAll('/', '_')
  return { 'x-registry-auth': text }
}

async function fromHelper(helper: string, address: string): Promise<Credentials> {
  const found = await helperGet(helper, address)
  if (found === undefined) return { serveraddress: address }
  if (found.Username === '<token>') return { identitytoken: found.Secret, serveraddress: address }
  return { username: found.Username, password: found.Secret, serveraddress: address }
}

function decoded({ auth, identitytoken, registrytoken, ...plain }: StoredAccount): Credentials {
  const [username = '', ...password] = Buffer.from(auth ?? '', 'base64').toString('utf8').split(':')
  const account = auth ? { username, password: password.join(':').replace(/\0+$/, '') } : plain
  return { ...account, ...(identitytoken && { identitytoken }), ...(registrytoken && { registrytoken }) }
}
