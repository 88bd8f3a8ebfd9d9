import * as fc from 'fast-check'
import type { Route } from '../../../src/api/route.ts'
import { bodies, bodyKeys, names, queryKeys, queryValues } from './vocabulary.ts'
import { bytesOf, mutated, strangeJson, strangeText } from './values.ts'
import type { WireRequest } from './wire.ts'

/** Any request for one of the routes: half of it as a client would make it, the other half as none would. */
export function anyRequest(routes: readonly Route[]): fc.Arbitrary<WireRequest & { route: string }> {
  return fc.constantFrom(...routes).chain((route) =>
    fc
      .record({ target: target(route), body: body(route), headers: headers(), framing: framing(), delivery: delivery() })
      .map(({ target: path, body: content, headers: lines, framing: frame, delivery: how }) => {
        const { framed, line } = frame(content)
        return { route: `${route.method} ${route.path}`, head: `${route.method} ${path} HTTP/1.1\r\nHost: engine\r\n${[...lines, ...line].map((each) => `${each}\r\n`).join('')}\r\n`, body: framed, ...how }
      }),
  )
}

function target(route: Route): fc.Arbitrary<string> {
  const known = fc.constantFrom(...Object.values(names).flat())
  const fitting = fc.constantFrom(...(names[route.path.split('/')[1] ?? ''] ?? ['missing']))
  const part = fc.oneof({ weight: 6, arbitrary: fitting }, { weight: 1, arbitrary: known }, { weight: 2, arbitrary: strangeText.map(encode) }, fc.constantFrom('%', '%zz', '%2e%2e', '%2F', 'a%00b'))
  const path = fc.array(part, { minLength: 3, maxLength: 3 }).map((parts) => {
    let index = 0
    return route.path.replaceAll(/\{\w+(\.\.\.)?\}/g, () => parts[index++ % 3] ?? '')
  })
  const version = fc.oneof({ weight: 12, arbitrary: fc.constantFrom('', '/v1.24', '/v1.41', '/v1.51', '/v1.43') }, fc.constantFrom('/v9', '/v1.', '/v'))
  const value = fc.oneof({ weight: 2, arbitrary: fc.constantFrom(...queryValues) }, { weight: 1, arbitrary: known }, { weight: 2, arbitrary: strangeText })
  const pair = fc.oneof(
    { weight: 6, arbitrary: fc.tuple(fc.constantFrom(...queryKeys), value).map(([key, text]) => `${key}=${encode(text)}`) },
    { weight: 1, arbitrary: fc.tuple(strangeText, value).map(([key, text]) => `${encode(key)}=${encode(text)}`) },
    fc.constantFrom('&', '=', 'all', '%', 'filters={', 'filters=%7B%22label%22%3A%7B', '???'),
  )
  const query = fc.oneof({ weight: 1, arbitrary: fc.constant('') }, { weight: 3, arbitrary: fc.array(pair, { maxLength: 4 }).map((pairs) => `?${pairs.join('&')}`) })
  return fc.tuple(version, path, query).map((parts) => parts.join(''))
}

function body(route: Route): fc.Arbitrary<Buffer> {
  if (route.method === 'GET' || route.method === 'HEAD') return fc.oneof({ weight: 4, arbitrary: fc.constant(Buffer.alloc(0)) }, bytesOf(strangeJson(bodyKeys)))
  const usual = bodies[`${route.method} ${route.path}`]
  const strange = strangeJson(bodyKeys)
  if (usual === undefined) return fc.oneof(fc.constant(Buffer.alloc(0)), bytesOf(strange))
  return fc.oneof({ weight: 5, arbitrary: bytesOf(mutated(usual, strange)) }, { weight: 1, arbitrary: bytesOf(strange) })
}

function headers(): fc.Arbitrary<string[]> {
  const type = fc.oneof(
    { weight: 8, arbitrary: fc.constant('Content-Type: application/json') },
    fc.constantFrom('Content-Type: text/plain', 'Content-Type: ', 'Content-Type: application/x-tar', 'Content-Type: application/json; charset=\xff', 'Content-Type: APPLICATION/JSON', 'X-None: 1'),
  )
  const other = fc.oneof(
    fc.constantFrom('Connection: close', 'Expect: 100-continue', 'Expect: nonsense', 'Upgrade: tcp', 'Connection: Upgrade', 'X-Registry-Auth: e30=', 'X-Registry-Auth: !!!', 'X-Registry-Config: W10=', 'Accept: */*', 'Range: bytes=5-', 'Sec-WebSocket-Version: 13', 'Sec-WebSocket-Key: short'),
    fc.integer({ min: 1, max: 1500 }).map((count) => Array.from({ length: count }, (_, index) => `X-${index}: y`).join('\r\n')),
    fc.constantFrom(1000, 100_000, 900_000, 1_200_000).map((size) => `X-Long: ${'z'.repeat(size)}`),
    fc.constantFrom('no colon', ': empty', 'X-Bad\0: x', 'X-Bare: a\rb', ' folded: line'),
  )
  return fc.tuple(type, fc.oneof({ weight: 4, arbitrary: fc.constant<string[]>([]) }, { weight: 1, arbitrary: fc.array(other, { maxLength: 2 }) })).map(([first, rest]) => [first, ...rest])
}

type Framing = (content: Buffer) => { framed: Buffer; line: string[] }

const whole: Framing = (content) => ({ framed: content, line: [`Content-Length: ${content.length}`] })
const chunked: Framing = (content) => ({ framed: Buffer.concat([...chunks(content), Buffer.from('0\r\n\r\n')]), line: ['Transfer-Encoding: chunked'] })
const none: Framing = () => ({ framed: Buffer.alloc(0), line: [] })

/** A framing that is wrong gets an answer, or the end of the connection. */
function framing(): fc.Arbitrary<Framing> {
  const wrong: Framing[] = [
    (content) => ({ framed: content, line: ['Content-Length: -5'] }),
    (content) => ({ framed: content, line: [`Content-Length: ${content.length}`, 'Content-Length: 3'] }),
    (content) => ({ framed: content, line: ['Content-Length: 99999999999999999999'] }),
    (content) => ({ framed: content, line: ['Content-Length: 4', 'Transfer-Encoding: chunked'] }),
    (content) => ({ framed: Buffer.concat([Buffer.from('zz\r\n'), content]), line: ['Transfer-Encoding: chunked'] }),
    (content) => ({ framed: Buffer.concat([Buffer.from('ffffffffffffffffff\r\n'), content]), line: ['Transfer-Encoding: chunked'] }),
    (content) => ({ framed: Buffer.concat([...chunks(content), Buffer.from('5\r\nabcdefghijkl')]), line: ['Transfer-Encoding: chunked'] }),
    (content) => ({ framed: Buffer.concat([...chunks(content), Buffer.from('0\r\nTrailer: x\r\n\r\nGET /_ping HTTP/1.1\r\n\r\n')]), line: ['Transfer-Encoding: chunked'] }),
    (content) => ({ framed: content, line: ['Transfer-Encoding: gzip'] }),
  ]
  return fc.oneof({ weight: 10, arbitrary: fc.constant(whole) }, { weight: 3, arbitrary: fc.constant(chunked) }, fc.constant(none), { weight: 2, arbitrary: fc.constantFrom(...wrong) })
}

function chunks(content: Buffer): Buffer[] {
  const parts: Buffer[] = []
  for (let at = 0; at < content.length; at += 5000) {
    const part = content.subarray(at, at + 5000)
    parts.push(Buffer.from(`${part.length.toString(16)}\r\n`), part, Buffer.from('\r\n'))
  }
  return parts
}

function delivery(): fc.Arbitrary<Pick<WireRequest, 'pieces' | 'cut'>> {
  const cut = fc.record({ sent: fc.double({ min: 0, max: 1, noNaN: true }), after: fc.constantFrom('silence' as const, 'end' as const, 'abort' as const) })
  return fc.oneof(
    { weight: 10, arbitrary: fc.constant({ pieces: 1 }) },
    { weight: 1, arbitrary: fc.integer({ min: 2, max: 20 }).map((pieces) => ({ pieces })) },
    { weight: 3, arbitrary: fc.tuple(fc.integer({ min: 1, max: 5 }), cut).map(([pieces, how]) => ({ pieces, cut: how })) },
  )
}

/** Latin-1 stays as it is: Node passes bytes above 127 of a target on. */
function encode(text: string): string {
  return encodeURIComponent(text.toWellFormed())
}
