import { runCommandLine } from './command-line.ts'

// A created container keeps its status channel open until it executes; that must not hold the caller.
void runCommandLine(process.argv.slice(2)).then((code) => process.exit(code))
