import { findLauncher, leave } from '../kernel/launcher.ts'
import { runCommandLine } from './command-line.ts'

/** The program. */
export function startGantryRunc(): void {
  findLauncher()
  // A created container keeps its status channel open until it executes; that must not hold the caller.
  void runCommandLine(process.argv.slice(2)).then(leave)
}
