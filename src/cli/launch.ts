import { join } from 'node:path'
import { startBundle } from '../lib/compiled-bundle.ts'
import { frequentCommands } from './frequent-commands.ts'

/** Starts the bundle of a command, or that of all. */
const [, , word = ''] = process.argv
const lateModules = ['node:child_process', 'node:net', 'node:tty', 'node:fs/promises', 'node:os', 'node:http2', 'node:crypto', 'node:zlib', 'node:stream', 'node:stream/promises', 'node:readline', 'node:readline/promises']
startBundle({ path: join(__dirname, `gantry-${frequentCommands.includes(word) ? word : 'main'}.cjs`), lateModules })
