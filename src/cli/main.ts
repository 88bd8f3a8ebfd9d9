import { enableCompileCache } from 'node:module'

// Not the default place: that is in /tmp, where anyone could leave code for root to run.
const cache = process.env['XDG_CACHE_HOME'] || (process.env['HOME'] && `${process.env['HOME']}/.cache`)
if (cache) enableCompileCache(`${cache}/gantry`)

const { runCli } = await import('./run-cli.ts')
const exitCode = await runCli(process.argv.slice(2), process)
// What is left (a terminal still being read, a connection) must not hold the shell.
process.exit(exitCode)
