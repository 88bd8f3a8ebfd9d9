import { parseJson } from '../../lib/go-template/json.ts'
import type { Value } from '../../lib/go-template/value.ts'

/** The JSON values of a stream that has one a line. */
export async function* jsonLines(source: AsyncIterable<Buffer>): AsyncGenerator<Value> {
  let rest = ''
  const decoder = new TextDecoder()
  for await (const chunk of source) {
    const lines = (rest + decoder.decode(chunk, { stream: true })).split('\n')
    rest = lines.pop()!
    for (const line of lines) if (line.trim() !== '') yield parseJson(line)
  }
  if (rest.trim() !== '') yield parseJson(rest)
}
