import { statusMessage } from '../grpc/status.ts'
import { bool, bytesMap, message, nested, nestedMap, repeated, string, stringMap } from '../protobuf/message.ts'

/** Messages of service moby.buildkit.v1.frontend.LLBBridge, by which a client drives a front end. Source: BuildKit's API, version 0.21. */

const ref = message({ id: string(1) })
const refMap = message({ refs: nestedMap(1, ref) })
export const gatewayResult = message({ ref: nested(3, ref), refs: nested(4, refMap), metadata: bytesMap(10) })
const cacheEntry = message({ type: string(1), attributes: stringMap(2) })

export const gatewaySolveRequest = message({
  frontend: string(2),
  frontendOptions: stringMap(3),
  final: bool(10),
  cacheImports: repeated(12, cacheEntry),
  evaluate: bool(14),
})
export const gatewaySolveResponse = message({ ref: string(1), result: nested(3, gatewayResult) })
export const returnRequest = message({ result: nested(1, gatewayResult), error: nested(2, statusMessage) })
export const evaluateRequest = message({ ref: string(1) })

const capability = message({ id: string(1), enabled: bool(2) })
export const pongResponse = message({ frontend: repeated(1, capability), llb: repeated(2, capability) })

const bridge = '/moby.buildkit.v1.frontend.LLBBridge'
export const bridgePath = { ping: `${bridge}/Ping`, solve: `${bridge}/Solve`, return: `${bridge}/Return`, evaluate: `${bridge}/Evaluate` } as const
/** Metadata that names the Control.Solve a call belongs to. */
export const buildIdKey = 'buildkit-controlapi-buildid'
