import { parseFlags } from './flags.ts'
import type { Invocation } from './flags.ts'
import { runMulti } from './multi.ts'
import { report, runSingle } from './single.ts'
import { isSpliceThread } from './splice/thread.ts'

async function main(): Promise<void> {
  let invocation: Invocation
  try {
    invocation = parseFlags(process.argv.slice(2))
  } catch (error) {
    report(`1\n${error instanceof Error ? error.message : String(error)}`)
    process.exitCode = 1
    return
  }
  if (invocation.mode === 'multi') await runMulti(invocation.socketPath)
  else await runSingle(invocation.rule, invocation)
}

// In a bundle the thread that moves bytes starts with this file as well.
if (!isSpliceThread()) await main()
