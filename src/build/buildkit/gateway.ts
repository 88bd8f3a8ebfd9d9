import { bridgePath, buildIdKey, evaluateRequest, gatewaySolveRequest, gatewaySolveResponse, pongResponse, returnRequest } from '../../lib/buildkit/gateway-messages.ts'
import { nothing } from '../../lib/buildkit/control-messages.ts'
import { grpcMethod } from '../../lib/grpc/server.ts'
import type { GrpcCall, GrpcServices } from '../../lib/grpc/server.ts'
import { GrpcError, grpcCode } from '../../lib/grpc/status.ts'
import type { Job, Jobs } from './jobs.ts'
import type { Sessions } from './sessions.ts'
import { solve } from './solve-job.ts'
import type { SolveRoom } from './solve-job.ts'

const frontendCapabilities = ['solve.base', 'solve.inlinereturn', 'return', 'returnmap', 'proto.refarray', 'importcaches', 'frontend.caps', 'gateway.solve.metadata', 'gateway.solve.evaluate', 'gateway.evaluate', 'gateway.warnings']
const llbCapabilities = ['source.image', 'source.image.resolvemode', 'source.local', 'source.local.unique', 'source.local.sessionid', 'source.local.includepatterns', 'source.local.excludepatterns', 'source.local.sharedkeyhint', 'source.git', 'source.http', 'exec.meta.base', 'exec.meta.network', 'exec.meta.security', 'exec.meta.ulimit', 'exec.cgroupparent', 'exec.mount.bind', 'exec.mount.cache', 'exec.mount.secret', 'exec.mount.ssh', 'exec.mount.tmpfs', 'file.base', 'constraints', 'platform', 'meta.description', 'gc.freespacefilter', 'exporter.multiple', 'exporter.image.attestations', 'exporter.image.annotations', 'source.ocilayout']

function enabled(ids: readonly string[]): { id: string; enabled: boolean }[] {
  return ids.map((id) => ({ id, enabled: true }))
}

/**
 * How the buildx plugin builds: Control.Solve waits, meanwhile the client calls the front end here and then says what the result is. The
 * build with its exports is done by the call of the front end: of what it answers nothing can be changed before it is returned.
 */
export function gatewayServices({ jobs, sessions, room }: { jobs: Jobs; sessions: Sessions; room: SolveRoom }): GrpcServices {
  const jobOf = (call: GrpcCall<unknown>): Job => {
    const id = call.metadata[buildIdKey]?.[0]
    if (id === undefined) throw new GrpcError(grpcCode.unknown, 'no buildid found in context')
    return jobs.of(id)
  }
  return {
    [bridgePath.ping]: grpcMethod({
      request: nothing,
      response: pongResponse,
      async handle(call) {
        await jobOf(call).request
        return { frontend: enabled(frontendCapabilities), llb: enabled(llbCapabilities) }
      },
    }),
    [bridgePath.solve]: grpcMethod({
      request: gatewaySolveRequest,
      response: gatewaySolveResponse,
      async handle(call) {
        const job = jobOf(call)
        const asked = await call.request()
        if (asked.frontend !== 'dockerfile.v0') throw new GrpcError(grpcCode.unimplemented, asked.frontend === '' ? 'LLB definitions are not supported: only front end dockerfile.v0' : `unknown frontend: ${asked.frontend}`)
        const request = await job.request
        const signal = AbortSignal.any([job.controller.signal, call.signal])
        const session = await sessions.get(request.session, signal)
        const { metadata, exported } = await solve({ room, request, session, status: job.status, signal }, { attributes: asked.frontendOptions, imports: asked.cacheImports })
        job.exported = exported
        return { ref: `${job.ref}:result`, result: { ref: { id: `${job.ref}:result` }, refs: undefined, metadata } }
      },
    }),
    // The result was solved when it was made.
    [bridgePath.evaluate]: grpcMethod({ request: evaluateRequest, response: nothing, handle: async () => ({}) }),
    [bridgePath.return]: grpcMethod({
      request: returnRequest,
      response: nothing,
      async handle(call) {
        const job = jobOf(call)
        const { error } = await call.request()
        if (error === undefined || error.code === 0) job.returned.resolve(job.exported)
        else job.returned.reject(new GrpcError(error.code, error.message, { details: error.details }))
        return {}
      },
    }),
  }
}
