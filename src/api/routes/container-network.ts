import type { ChangePorts } from '../../engine/containers/change-ports.ts'
import { list, map, string, struct } from '../decode.ts'
import type { Route } from '../route.ts'
import { portBinding } from '../shapes.ts'

const changePorts = struct<{ Add?: ChangePorts['add']; Remove?: ChangePorts['remove'] }>('ChangePorts', { Add: map(list(portBinding)), Remove: map(list(portBinding)) })
const testPort = struct<{ Port?: string }>('TestPort', { Port: string })

/** Ports of running containers, and how packets travel: Docker's API has no word for them. */
export const containerNetworkRoutes: Route[] = [
  {
    method: 'POST',
    path: '/gantry/v1/containers/{name}/ports',
    async handle(call) {
      const { Add = {}, Remove = {} } = await call.readJson(changePorts, { required: true })
      call.json({ Ports: await call.engine.containers.changePorts(call.ref, { add: Add, remove: Remove }) })
    },
  },
  {
    method: 'GET',
    path: '/gantry/v1/containers/{name}/network',
    handle: async (call) => call.json({ ways: await call.engine.containers.explainNetwork(call.ref) }),
  },
  {
    method: 'POST',
    path: '/gantry/v1/containers/{name}/network/test',
    async handle(call) {
      const { Port = '' } = await call.readJson(testPort, { required: true })
      call.json(await call.engine.containers.testPort(call.ref, Port))
    },
  },
]
