import { runCommandLine } from './command-line.ts'

// A created container keeps its status channel open until it executes; that must not hold the caller.
process.exit(await runCommandLine(process.argv.slice(2)))
