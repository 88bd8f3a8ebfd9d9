import { bytes, int, message, string } from '../protobuf/message.ts'

/**
 * A shell in the root of a step that has failed, which the engine offers to clients that have this method on their session. It is ours: other
 * builders do not call it. The first request has the name and the failure; then come output, and input back.
 */
export const debugShell = {
  path: '/gantry.build.v1.Debug/Shell',
  request: message({ step: string(1), failure: string(2), output: bytes(3) }),
  /** A size is told before the first input, and when it changes. An end of the stream hangs up. */
  response: message({ input: bytes(1), width: int(2), height: int(3) }),
}
