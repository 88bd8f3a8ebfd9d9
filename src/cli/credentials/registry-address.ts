/** The key of Docker's own registry in config.json, as it has been since its first version. */
export const dockerRegistry = 'https://index.docker.io/v1/'

/** "https://host:5000/v2/" cut to "host:5000". */
export function hostOf(address: string): string {
  return address.replace(/^https?:\/\//, '').split('/', 1)[0] ?? ''
}

/** Where credentials for what the user called SERVER are kept. */
export function addressOfServer(server: string): string {
  const host = hostOf(server)
  const isDocker = host === '' || host === 'docker.io' || host === 'index.docker.io' || host === 'registry-1.docker.io'
  return isDocker ? dockerRegistry : host
}

/** Where credentials for the registry of a reference are kept. */
export function addressOfReference(reference: string): string {
  const [first = '', ...rest] = reference.split('/')
  const isHost = rest.length > 0 && (/[.:]/.test(first) || first === 'localhost' || first !== first.toLowerCase())
  return addressOfServer(isHost ? first : '')
}
