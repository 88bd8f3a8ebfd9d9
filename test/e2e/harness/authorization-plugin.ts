import { servePlugin } from './plugin-server.ts'

/**
 * An authorization plugin as third parties write them: `node authorization-plugin.ts SOCKET CALLS`. Nobody may have privileged
 * containers or see what has the word "hidden" in it; every call is appended to CALLS.
 */
const [socket = '', callsFile = ''] = process.argv.slice(2)

interface Question {
  RequestBody?: string
  ResponseBody?: string
}

const decoded = (text = ''): string => Buffer.from(text, 'base64').toString()

const answers: Record<string, (question: Question) => object> = {
  '/Plugin.Activate': () => ({ Implements: ['authz'] }),
  '/AuthZPlugin.AuthZReq': ({ RequestBody }) => (/"Privileged": ?true/i.test(decoded(RequestBody)) ? { Allow: false, Msg: 'no privileged containers' } : { Allow: true }),
  '/AuthZPlugin.AuthZRes': ({ ResponseBody }) => (decoded(ResponseBody).includes('hidden') ? { Allow: false, Msg: 'not for your eyes' } : { Allow: true }),
}

servePlugin(socket, callsFile, ({ url = '' }, text) => ({ status: 200, type: 'application/json', body: answers[url]?.(JSON.parse(text) as Question) ?? { Err: 'unknown call' } }))
