import { randomBytes } from 'node:crypto'
import type { Socket } from 'node:net'
import { controlPath, solveRequest, solveResponse, statusRequest, statusResponse } from '../../lib/buildkit/control-messages.ts'
import type { SolveRequest, StatusResponse } from '../../lib/buildkit/control-messages.ts'
import { sessionHeader } from '../../lib/buildkit/session-messages.ts'
import { GrpcClient } from '../../lib/grpc/client.ts'
import { serveGrpc } from '../../lib/grpc/server.ts'
import type { GrpcServices } from '../../lib/grpc/server.ts'
import type { EngineClient } from '../client/engine-client.ts'

export interface RunBuild {
  client: EngineClient
  request: Partial<SolveRequest>
  services: GrpcServices
  sharedKey: string
  onStatus: (status: StatusResponse) => void
}

/** Opens a session, has the engine solve the request, and shows its status meanwhile. @throws GrpcError as the engine told it */
export async function runBuild({ client, request, services, sharedKey, onStatus }: RunBuild): Promise<Record<string, string>> {
  const session = identity()
  const ref = identity()
  const headers = { [sessionHeader.id]: session, [sessionHeader.name]: '', [sessionHeader.sharedKey]: sharedKey, [sessionHeader.methods]: Object.keys(services) }
  // Neither has to wait for the other.
  const [own, theirs] = await bothOf(upgraded(client, '/session', headers), upgraded(client, '/grpc'))
  const served = serveGrpc(own, services)
  const control = new GrpcClient(theirs)
  try {
    const status = showStatus(control, ref, onStatus)
    status.catch(() => {})
    try {
      const { exporterResponse } = await control.call(controlPath.solve, { request: solveRequest, response: solveResponse }, { ...request, ref, session })
      return exporterResponse
    } finally {
      // The last status comes before the answer is shown.
      await status.catch(() => {})
    }
  } finally {
    served.destroy()
    control.close()
  }
}

/** Where one cannot be had, the other is of no use. */
async function bothOf(one: Promise<Socket>, other: Promise<Socket>): Promise<[Socket, Socket]> {
  try {
    return await Promise.all([one, other])
  } catch (error) {
    for (const each of await Promise.allSettled([one, other])) if (each.status === 'fulfilled') each.value.destroy()
    throw error
  }
}

async function showStatus(control: GrpcClient, ref: string, onStatus: RunBuild['onStatus']): Promise<void> {
  const stream = control.stream(controlPath.status, { request: statusRequest, response: statusResponse })
  await stream.send({ ref })
  stream.end()
  for await (const status of stream.responses) onStatus(status)
}

export async function upgraded(client: EngineClient, path: string, headers: Record<string, string | string[]> = {}): Promise<Socket> {
  const { socket, head } = await client.hijack(path, { protocol: 'h2c', headers })
  if (head.length > 0) socket.unshift(head)
  return socket
}

/** 25 letters and digits, as BuildKit's clients choose. */
export function identity(): string {
  return BigInt(`0x${randomBytes(16).toString('hex')}`).toString(36).padStart(25, '0')
}
