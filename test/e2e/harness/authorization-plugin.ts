import { appendFileSync, rmSync } from 'node:fs'
import { createServer } from 'node:http'

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

rmSync(socket, { force: true })
createServer((request, response) => {
  let text = ''
  request.on('data', (chunk: Buffer) => (text += chunk.toString()))
  request.on('end', () => {
    appendFileSync(callsFile, `${request.url} ${text}\n`)
    response.writeHead(200, { 'Content-Type': 'application/json' }).end(JSON.stringify(answers[request.url ?? '']?.(JSON.parse(text) as Question) ?? { Err: 'unknown call' }))
  })
}).listen(socket)
