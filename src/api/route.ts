import { GantryError } from '../lib/errors.ts'
import type { Call } from './call.ts'

/** One operation of the API. Tables of these are the API's own list of what it can do. */
export interface Route {
  method: 'GET' | 'HEAD' | 'POST' | 'PUT' | 'DELETE'
  /** "/containers/{name}/json"; "{name...}" takes slashes too (image names). */
  path: string
  handle: (call: Call) => Promise<void> | void
  /** The reply takes over the connection: requests with `Upgrade` are let through. */
  hijacks?: boolean
  /** It is known, and answers that it is not there. SCOPE.md says why. */
  missing?: boolean
}

/** An operation of Docker's published list that is not there yet. */
export function notImplemented(method: Route['method'], path: string): Route {
  return {
    method,
    path,
    missing: true,
    handle() {
      throw new GantryError('NotImplemented', `not implemented yet: ${method} ${path}`)
    },
  }
}
