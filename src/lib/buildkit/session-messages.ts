import { packetMessage } from '../fsutil/packet.ts'
import { bytes, int, message, string, stringList } from '../protobuf/message.ts'

/** Services that a build's client offers on its session. Sources: BuildKit's session packages, version 0.21; gRPC health checking. */

const chunk = message({ data: bytes(1) })
const empty = message({})

export const fileSync = { path: '/moby.filesync.v1.FileSync/DiffCopy', request: packetMessage, response: packetMessage }
/** A file goes as chunks, a directory as packets. */
export const fileSend = { path: '/moby.filesync.v1.FileSend/DiffCopy', request: chunk, response: chunk }
export const directorySend = { path: fileSend.path, request: packetMessage, response: packetMessage }
export const credentialsMethod = { path: '/moby.filesync.v1.Auth/Credentials', request: message({ host: string(1) }), response: message({ username: string(1), secret: string(2) }) }
export const fetchTokenMethod = {
  path: '/moby.filesync.v1.Auth/FetchToken',
  request: message({ clientId: string(1), host: string(2), realm: string(3), service: string(4), scopes: stringList(5) }),
  response: message({ token: string(1), expiresIn: int(2), issuedAt: int(3) }),
}
export const tokenAuthorityMethod = { path: '/moby.filesync.v1.Auth/GetTokenAuthority', request: message({ host: string(1), salt: bytes(2) }), response: message({ publicKey: bytes(1) }) }
export const secretMethod = { path: '/moby.buildkit.secrets.v1.Secrets/GetSecret', request: message({ id: string(1) }), response: chunk }
export const checkAgentMethod = { path: '/moby.sshforward.v1.SSH/CheckAgent', request: message({ id: string(1) }), response: empty }
export const forwardAgentMethod = { path: '/moby.sshforward.v1.SSH/ForwardAgent', request: chunk, response: chunk }
export const uploadMethod = { path: '/moby.upload.v1.Upload/Pull', request: chunk, response: chunk }
export const healthMethod = { path: '/grpc.health.v1.Health/Check', request: message({ service: string(1) }), response: message({ status: int(1) }) }
export const serving = 1

/** Metadata of these calls. */
export const sessionKey = {
  directory: 'dir-name',
  includes: 'include-patterns',
  excludes: 'exclude-patterns',
  followPaths: 'followpaths',
  exporter: 'buildkit-attachable-exporter-id',
  exporterMetadata: 'exporter-md-',
  sshId: 'buildkit.ssh.id',
  uploadPath: 'urlpath',
  uploadHost: 'urlhost',
} as const

/** Headers of the request that opens a session; in HTTP/1 and, in lower case, as metadata of Control.Session. */
export const sessionHeader = {
  id: 'x-docker-expose-session-uuid',
  name: 'x-docker-expose-session-name',
  sharedKey: 'x-docker-expose-session-sharedkey',
  methods: 'x-docker-expose-session-grpc-method',
} as const
