import { runCli } from './run-cli.ts'
import { lateOutput } from './terminal/late-output.ts'

const streams = {
  get stdin() {
    return process.stdin
  },
  stdout: lateOutput(1, () => process.stdout),
  stderr: lateOutput(2, () => process.stderr),
  env: process.env,
}
// What is left at the end (a terminal still being read, a connection) must not hold the shell.
void runCli(process.argv.slice(2), streams).then((exitCode) => process.exit(exitCode))
