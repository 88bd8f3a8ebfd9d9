import { map, bool, string, struct } from '../decode.ts'
import type { Call } from '../call.ts'
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
    handle: statsOfAll,
  },
]

/** One document, or with `stream` one a second. */
async function statsOfAll(call: Call): Promise<void> {
  if (!call.query.bool('stream')) return call.json(await call.engine.containers.statsOfAll())
  const readings = call.engine.containers.statsOfAllStream(call.signal())
  call.begin('application/json')
  for await (const reading of readings) await call.write(reading)
  call.response.end()
}
