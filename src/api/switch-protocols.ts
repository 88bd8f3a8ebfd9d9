import type { ServerResponse } from 'node:http'
import type { Duplex } from 'node:stream'

/** Takes the connection from HTTP/1 for another protocol, which the client has asked for and may begin with at once. */
export function switchProtocols({ socket, response, protocol }: { socket: Duplex; response: ServerResponse; protocol: string }): Duplex {
  response.detachSocket(socket as Parameters<ServerResponse['detachSocket']>[0])
  socket.write(`HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: ${protocol}\r\n\r\n`)
  return socket
}
