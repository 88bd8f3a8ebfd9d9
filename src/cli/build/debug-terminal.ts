import type { GrpcServices } from '../../lib/grpc/server.ts'
import { debugShell } from '../../lib/buildkit/debug-messages.ts'
import { grpcMethod } from '../../lib/grpc/server.ts'
import { channel } from './channel.ts'

export interface DebugStreams {
  stdin: NodeJS.ReadStream
  stdout: NodeJS.WriteStream
  /** Stops what is drawn on the terminal meanwhile; the answer lets it go on. */
  pause: () => () => void
}

/** --debug on a terminal: takes a shell in a step that has failed. */
export function debugServices({ stdin, stdout, pause }: DebugStreams): GrpcServices {
  return {
    [debugShell.path]: grpcMethod({
      ...debugShell,
      handle(call) {
        const { push, end, values } = channel<{ input?: Uint8Array; width?: number; height?: number }>()
        const resume = pause()
        const size = (): void => void push({ width: stdout.columns, height: stdout.rows })
        const type = (input: Buffer): void => void push({ input })
        stdin.setRawMode(true)
        stdin.on('data', type)
        stdin.resume()
        stdout.on('resize', size)
        size()
        const stop = (): void => {
          stdin.off('data', type)
          stdin.setRawMode(false)
          stdin.pause()
          stdout.off('resize', size)
          resume()
          end()
        }
        void (async () => {
          for await (const { step, failure, output } of call.requests) {
            if (step !== '') stdout.write(`\r\n${step}\r\n${failure}\r\nA shell in what the step has left; its end ends the build.\r\n`)
            if (output.length > 0) stdout.write(output)
          }
        })().then(stop, stop)
        return values
      },
    }),
  }
}
