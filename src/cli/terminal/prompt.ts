/** Asks on a terminal and reads one line; `hidden` input is not shown. */
export async function prompt(
  streams: { stdin: NodeJS.ReadStream; stdout: NodeJS.WriteStream },
  question: string,
  options: { hidden: boolean },
): Promise<string> {
  const { stdin, stdout } = streams
  stdout.write(question)
  stdin.setRawMode(true)
  let line = ''
  try {
    for await (const chunk of stdin.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
      for (const character of chunk.toString('utf8')) {
        if (character === '\r' || character === '\n') return line
        // Ctrl-C and Ctrl-D.
        if (character === '\u0003' || (character === '\u0004' && line === '')) process.exit(130)
        if (character === '\u007F' || character === '\b') {
          if (line !== '' && !options.hidden) stdout.write('\b \b')
          line = line.slice(0, -1)
        } else {
          line += character
          if (!options.hidden) stdout.write(character)
        }
      }
    }
    return line
  } finally {
    stdin.setRawMode(false)
    stdout.write('\n')
  }
}
