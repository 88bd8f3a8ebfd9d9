import type { Route } from '../route.ts'

/** What Docker's API has no word for. */
export const gantryRoutes: Route[] = [
  {
    method: 'GET',
    path: '/gantry/v1/containers/{name}/explain',
    handle: async (call) => call.json({ lines: await call.engine.containers.explain(call.ref) }),
  },
]
