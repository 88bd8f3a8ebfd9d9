import { runCli } from './run-cli.ts'

const exitCode = await runCli(process.argv.slice(2), process)
// What is left (a terminal still being read, a connection) must not hold the shell.
process.exit(exitCode)
