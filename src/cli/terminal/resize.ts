import type { CliContext } from '../command.ts'

/**
 * Tells the engine the terminal's size now and whenever it changes; `path` is that of the container's or exec's resize
 * endpoint. With `redraw` another size is sent first, so that the program draws its screen again. Answers the function
 * that stops it.
 */
export function followTerminalSize(context: CliContext, path: string, options: { redraw?: boolean } = {}): () => void {
  const { stdout, client } = context
  if (!stdout.isTTY) return () => {}
  const send = async (attempts: number, larger = 0) => {
    const [width, height] = stdout.getWindowSize()
    if (width === 0 && height === 0) return
    try {
      await client.text('POST', path, { query: { h: height + larger, w: width + larger } })
    } catch {
      // The process may not have started yet.
      if (attempts > 1) setTimeout(() => void send(attempts - 1, larger), 50).unref()
    }
  }
  const onResize = () => void send(1)
  if (options.redraw) void send(1, 1).then(() => send(10))
  else void send(10)
  process.on('SIGWINCH', onResize)
  return () => process.off('SIGWINCH', onResize)
}
