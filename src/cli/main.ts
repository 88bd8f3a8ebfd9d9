import { runCli } from './run-cli.ts'

// What is left at the end (a terminal still being read, a connection) must not hold the shell.
void runCli(process.argv.slice(2), process).then((exitCode) => process.exit(exitCode))
