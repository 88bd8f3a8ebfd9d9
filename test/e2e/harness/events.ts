import type { Engine } from './engine.ts'

/** What happened to a container until now, by the engine's memory of it. A client's `--until` has whole seconds only. */
export async function actionsOf(engine: Engine, id: string): Promise<string[]> {
  const filters = encodeURIComponent(JSON.stringify({ container: [id] }))
  const { text } = await engine.api({ path: `/events?since=1&until=${(Date.now() / 1000).toFixed(3)}&filters=${filters}` })
  return text.trim().split('\n').map((line) => (JSON.parse(line) as { Action: string }).Action)
}
