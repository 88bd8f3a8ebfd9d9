import { map, bool, string, struct } from '../decode.ts'
import type { Route } from '../route.ts'

const setCgroup = struct<{ Values?: Record<string, string>; Adopt?: boolean }>('SetCgroup', { Values: map(string), Adopt: bool })

/** What Docker's API has no word for. */
export const gantryRoutes: Route[] = [
  {
    method: 'GET',
    path: '/gantry/v1/containers/{name}/explain',
    handle: async (call) => call.json({ lines: await call.engine.containers.explain(call.ref) }),
  },
  {
    method: 'GET',
    path: '/gantry/v1/containers/{name}/cgroup',
    handle: async (call) => call.json({ values: await call.engine.containers.cgroup(call.ref) }),
  },
  {
    method: 'POST',
    path: '/gantry/v1/containers/{name}/cgroup',
    async handle(call) {
      const { Values = {}, Adopt = false } = await call.readJson(setCgroup)
      call.json({ record: await call.engine.containers.setCgroup(call.ref, { values: Values, adopt: Adopt }) })
    },
  },
  {
    method: 'GET',
    path: '/gantry/v1/containers/{name}/programs',
    handle: async (call) => call.json({ programs: await call.engine.containers.programs(call.ref) }),
  },
  {
    method: 'GET',
    path: '/gantry/v1/stats',
    handle: async (call) => call.json(await call.engine.containers.statsOfAll()),
  },
]
