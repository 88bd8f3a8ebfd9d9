import type { ServerResponse } from 'node:http'
import type { Duplex } from 'node:stream'
import type { AttachSession } from '../../engine/engine.ts'
import { closeCode, closeFrame, frame, opcode } from './frame.ts'
import { FrameReader } from './frame-reader.ts'
import { outputFrames, withoutHeaders } from './output-frames.ts'

/** How long a client may take to answer a close frame. */
const lingerMilliseconds = 10_000

export interface WebSocketSession {
  session: AttachSession
  /** Somebody listens to the input, so that its end has a meaning of its own. */
  stdin: boolean
  /** Docker sends text frames to clients before API 1.28, binary ones since. */
  text: boolean
}

export interface JoinWebSocket extends WebSocketSession {
  socket: Duplex
  response: ServerResponse
  /** Of the answer that opens it. */
  head: string
}

/**
 * Joins a session to a WebSocket, each side at the pace of the other. The client's close frame is the end of its input: the answer to
 * it waits for the end of the output, for which a client that is gone does not wait (RFC 6455, section 5.5.1, lets the answer
 * wait until a message is complete). Where there is no such end, with a terminal or without standard input, it ends the session.
 */
export function joinWebSocket({ socket, response, head, session, stdin, text }: JoinWebSocket): void {
  response.detachSocket(socket as Parameters<ServerResponse['detachSocket']>[0])
  socket.write(head)
  const { stream } = session
  let isOver = false

  function finish(code: number): void {
    if (isOver) return
    isOver = true
    if (socket.destroyed) return
    socket.end(closeFrame(code))
    socket.resume()
    const timer = setTimeout(() => socket.destroy(), lingerMilliseconds).unref()
    socket.once('close', () => clearTimeout(timer))
    socket.once('end', () => socket.destroy())
  }

  const reader = new FrameReader({
    onPing: (payload) => void (isOver || socket.write(frame(opcode.pong, payload))),
    onClose(code) {
      if (code === closeCode.normal && stdin && !session.tty) return
      stream.destroy()
      finish(code)
    },
  })
  const frames = outputFrames({ text })
  for (const each of [socket, stream, reader, frames]) each.on('error', () => {})
  socket.on('close', () => stream.destroy())
  stream.once('close', () => {
    if (!stream.readableEnded) finish(closeCode.normal)
  })
  frames.once('end', () => finish(closeCode.normal))
  socket.pipe(reader).pipe(stream)
  const output = session.tty ? stream : stream.pipe(withoutHeaders())
  output.pipe(frames).pipe(socket, { end: false })
}
