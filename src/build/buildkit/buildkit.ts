import { randomBytes } from 'node:crypto'
import { mkdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import type { Duplex } from 'node:stream'
import type { Kernel } from '../../kernel/kernel.ts'
import { serveGrpc } from '../../lib/grpc/server.ts'
import type { GrpcServices, Metadata } from '../../lib/grpc/server.ts'
import { healthMethod, serving } from '../../lib/buildkit/session-messages.ts'
import type { Builder } from '../contract.ts'
import { BuildHistory } from './build-history.ts'
import { ClientContexts } from './client-contexts.ts'
import { controlServices } from './control.ts'
import type { WorkerInfo } from './control.ts'
import type { RemoteContexts } from './definition.ts'
import { gatewayServices } from './gateway.ts'
import { Jobs } from './jobs.ts'
import { RequestBuilds } from './request-build.ts'
import { Sessions } from './sessions.ts'
import { specialNodes } from './special-nodes.ts'

/** BuildKit's own border: connections that have been taken from HTTP/1 and go on as HTTP/2 without TLS. */
export interface BuildKit {
  /** Answers moby.buildkit.v1.Control and what belongs to it on a connection. */
  grpc(connection: Duplex): void
  /** Lets the builds here call what the client on a connection offers. */
  session(connection: Duplex, headers: Metadata): void
  /** @throws InvalidParameter or Conflict for headers that `session` would refuse: before the connection is taken */
  checkSession(headers: Metadata): void
  /** Builds of clients that have a session but no connection to `grpc`. */
  readonly builds: RequestBuilds
  /** Takes away the copies of clients' directories that no build is using. */
  forgetContexts(): void
  close(): void
}

export interface OpenBuildKit {
  kernel: Kernel
  builder: Builder
  /** `<data-root>/build` */
  root: string
  /** `<exec-root>/build` */
  runtimeDir: string
  worker: WorkerInfo
  remote: RemoteContexts
}

export function openBuildKit({ kernel, builder, root, runtimeDir, worker, remote }: OpenBuildKit): BuildKit {
  const scratch = join(root, 'client-scratch')
  rmSync(scratch, { recursive: true, force: true })
  mkdirSync(scratch, { recursive: true, mode: 0o700 })
  const agents = join(runtimeDir, 'agents')
  rmSync(agents, { recursive: true, force: true })
  mkdirSync(agents, { recursive: true, mode: 0o700 })
  const jobs = new Jobs()
  const sessions = new Sessions()
  const history = new BuildHistory(join(root, 'history'))
  const room = {
    builder,
    contexts: new ClientContexts(join(root, 'client-contexts')),
    remote,
    special: specialNodes(kernel),
    scratch: () => join(scratch, randomBytes(8).toString('hex')),
    socketPath: () => join(agents, randomBytes(4).toString('hex')),
  }
  const services: GrpcServices = {
    ...controlServices({ jobs, sessions, room, worker, history }),
    ...gatewayServices({ jobs, sessions, room }),
    [healthMethod.path]: { ...healthMethod, handle: async () => ({ status: serving }) },
  }
  return {
    builds: new RequestBuilds({ jobs, sessions, room, history }),
    forgetContexts: () => room.contexts.forget(),
    grpc: (connection) => void serveGrpc(connection, services),
    session: (connection, headers) => void sessions.open(connection, headers),
    checkSession: (headers) => sessions.check(headers['x-docker-expose-session-uuid']?.[0]),
    close() {
      jobs.abortAll()
      sessions.close()
    },
  }
}
