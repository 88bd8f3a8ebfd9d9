import type { BuildDisplay, DisplayTarget } from './build-display.ts'
import { amountOf, secondsOf, type ShownVertex } from './build-model.ts'

const redrawMilliseconds = 100
/** Lines of output that are shown below a step that runs. */
const logLines = 6

/** A list that is drawn again and again where it stands: what is done above, what goes on below, with the last lines of its output. */
export function terminalDisplay({ out, model }: DisplayTarget): BuildDisplay {
  const begun = Date.now()
  let drawn = 0
  let dirty = true

  function draw(state: 'running' | 'done' | 'failed'): void {
    const width = out.columns || 80
    const height = Math.max(5, (out.rows ?? 24) - 2)
    const seconds = ((Date.now() - begun) / 1000).toFixed(1)
    const count = `(${model.completed}/${model.vertices.size})`
    const head = `[+] Building ${seconds}s ${count}${state === 'running' ? '' : ' FINISHED'}`
    const tag = 'docker:default'
    const title = head.length + tag.length + 1 < width ? head + tag.padStart(width - head.length - 1) : head
    const rows = rowsOf([...model.vertices.values()], { width, height: state === 'running' ? height - 1 : Infinity, live: state === 'running' })
    const up = drawn === 0 ? '' : `\u001B[${drawn}A`
    out.write(`${up}\r\u001B[J${blue(title, state)}\n${rows.map((row) => `${row}\n`).join('')}`)
    drawn = rows.length + 1
    dirty = false
  }

  const start = (): NodeJS.Timeout =>
    setInterval(() => {
      if (dirty || model.completed < model.vertices.size) draw('running')
    }, redrawMilliseconds)
  let timer = start()
  return {
    update(status) {
      model.update(status)
      dirty = true
    },
    pause() {
      clearInterval(timer)
      draw('running')
      return () => {
        // What somebody else has written stays.
        drawn = 0
        timer = start()
      }
    },
    end(failed) {
      clearInterval(timer)
      draw(failed ? 'failed' : 'done')
    },
  }
}

function rowsOf(vertices: readonly ShownVertex[], { width, height, live }: { width: number; height: number; live: boolean }): string[] {
  const begun = vertices.filter(({ started }) => started !== undefined)
  const rows = begun.flatMap((vertex) => vertexRows(vertex, { width, live }))
  if (rows.length <= height) return rows
  // What is over gives way first, the oldest before the others.
  const running = begun.filter(({ completed }) => completed === undefined).flatMap((vertex) => vertexRows(vertex, { width, live }))
  const over = begun.filter(({ completed }) => completed !== undefined).flatMap((vertex) => vertexRows(vertex, { width, live: false }).slice(0, 1))
  return [...over.slice(Math.min(over.length, over.length + running.length - height)), ...running].slice(-height)
}

function vertexRows(vertex: ShownVertex, { width, live }: { width: number; live: boolean }): string[] {
  const seconds = `${secondsOf(vertex).toFixed(1)}s`
  const mark = vertex.error === '' ? (vertex.cached ? 'CACHED ' : '') : vertex.error.endsWith('context canceled') ? 'CANCELED ' : 'ERROR '
  const rows = [row(` => ${mark}${vertex.name}`, seconds, width)]
  for (const status of vertex.statuses.values()) rows.push(row(` => => ${status.id}${amountOf(status)}`, `${secondsOf(status).toFixed(1)}s`, width))
  if (live && vertex.completed === undefined) for (const line of vertex.lines.slice(-logLines)) rows.push(row(` => => # ${line.slice(line.indexOf(' ') + 1)}`, '', width))
  return rows.map((text) => (mark === 'ERROR ' ? red(text) : vertex.completed === undefined ? text : `\u001B[34m${text}\u001B[0m`))
}

/** Text on the left, cut where it meets what stands on the right. Control characters of a step's output are its own business. */
function row(text: string, right: string, width: number): string {
  const room = width - right.length - 2
  const clean = text.replaceAll('\t', ' ').replaceAll(/\u001B\[[\d;?]*[ -/]*[@-~]|[\0-\u001F\u007F]/g, '')
  const characters = Array.from(clean)
  const cut = characters.length > room ? `${characters.slice(0, Math.max(0, room - 3)).join('')}...` : clean
  return `${cut}${' '.repeat(Math.max(1, width - 1 - Array.from(cut).length - right.length))}${right}`.trimEnd()
}

function blue(text: string, state: string): string {
  return state === 'running' ? text : state === 'failed' ? red(text) : `\u001B[34m${text}\u001B[0m`
}

function red(text: string): string {
  return `\u001B[31m${text}\u001B[0m`
}
