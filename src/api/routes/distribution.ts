import type { Credentials } from '../../containerd/distribution/contract.ts'
import { string, struct } from '../decode.ts'
import { registryCredentials } from '../registry-credentials.ts'
import type { Route } from '../route.ts'

/** Docker's AuthConfig, as the body of POST /auth. */
const authConfig = struct<Credentials>('AuthConfig', {
  username: string,
  password: string,
  serveraddress: string,
  identitytoken: string,
  registrytoken: string,
})

export const distributionRoutes: Route[] = [
  {
    method: 'POST',
    path: '/auth',
    handle: async (call) => call.json(await call.engine.images.login(await call.readJson(authConfig, { required: true }))),
  },
  {
    method: 'GET',
    path: '/distribution/{name...}/json',
    handle: async (call) => call.json(await call.engine.images.distributionInspect(call.ref, registryCredentials(call), call.signal())),
  },
]
