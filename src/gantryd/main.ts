import { parseCommandLine } from './command-line.ts'
import { usageText } from './usage.ts'
import { versionText } from './version.ts'
import { messageOf } from '../lib/errors.ts'

void main()

async function main(): Promise<void> {
  try {
    const values = parseCommandLine(process.argv.slice(2))
    if (values.get('help') === true) process.stdout.write(usageText())
    else if (values.get('version') === true) process.stdout.write(versionText())
    else await (await import('./daemon.ts')).runDaemon(values)
  } catch (error) {
    process.stderr.write(`${messageOf(error)}\n`)
    process.exit(1)
  }
}
