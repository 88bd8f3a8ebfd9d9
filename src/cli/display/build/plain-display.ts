import type { BuildDisplay, DisplayTarget } from './build-display.ts'
import { amountOf, secondsOf, type ShownStatus, type ShownVertex } from './build-model.ts'

/** How long another step waits while the one that is shown says nothing. */
const patienceMilliseconds = 1000

/** Lines that stay: "#5 [2/2] RUN make", its output, "#5 DONE 0.1s". One step at a time is shown, as long as it has something to say. */
export function plainDisplay({ out, model }: DisplayTarget): BuildDisplay {
  const waiting = new Set<ShownVertex>()
  const begun = new Set<ShownVertex>()
  const ended = new Set<ShownVertex>()
  const told = new Map<ShownStatus['id'], boolean>()
  let current: ShownVertex | undefined
  let last = 0

  function show(vertex: ShownVertex): void {
    if (vertex !== current) {
      if (current !== undefined && !ended.has(current)) out.write(`#${current.index} ...\n`)
      if (begun.size > 0) out.write('\n')
      out.write(`#${vertex.index} ${vertex.name}\n`)
      begun.add(vertex)
      current = vertex
    }
    last = Date.now()
    waiting.delete(vertex)
    showStatuses(vertex)
    for (; vertex.shown < vertex.lines.length; vertex.shown++) out.write(`#${vertex.index} ${vertex.lines[vertex.shown]}\n`)
    if (vertex.completed !== undefined) showEnd(vertex)
  }

  function showStatuses(vertex: ShownVertex): void {
    for (const status of vertex.statuses.values()) {
      const key = `${vertex.digest} ${status.id}`
      if (status.completed === undefined || told.get(key) === true) continue
      told.set(key, true)
      const seconds = secondsOf(status)
      out.write(`#${vertex.index} ${status.id}${amountOf(status)}${seconds >= 0.05 ? ` ${seconds.toFixed(1)}s` : ''} done\n`)
    }
  }

  function showEnd(vertex: ShownVertex): void {
    ended.add(vertex)
    if (vertex.error === '') out.write(vertex.cached ? `#${vertex.index} CACHED\n` : `#${vertex.index} DONE ${secondsOf(vertex).toFixed(1)}s\n`)
    else if (vertex.error.endsWith('context canceled')) out.write(`#${vertex.index} CANCELED\n`)
    else out.write(`#${vertex.index} ERROR: ${vertex.error}\n`)
    current = vertex
  }

  function showReady(all: boolean): void {
    for (;;) {
      const busy = current !== undefined && !ended.has(current)
      if (busy && waiting.has(current!)) show(current!)
      else if (busy && !all && Date.now() - last < patienceMilliseconds) return
      else {
        const next = [...waiting][0]
        if (next === undefined) return
        show(next)
      }
    }
  }

  return {
    update(status) {
      for (const vertex of model.update(status)) if (vertex.started !== undefined && !ended.has(vertex)) waiting.add(vertex)
      showReady(false)
    },
    end() {
      showReady(true)
      if (begun.size > 0) out.write('\n')
    },
  }
}
