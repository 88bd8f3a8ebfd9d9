import { GantryError } from '../../lib/errors.ts'
import type { Kernel } from '../../kernel/kernel.ts'

/** Runs a host tool that has to succeed. @returns its output, trimmed */
export async function runHostTool(kernel: Pick<Kernel, 'tool'>, ...argv: string[]): Promise<string> {
  const { code, stdout, stderr } = await kernel.tool(argv)
  if (code !== 0) throw new GantryError('System', `cannot run ${argv.join(' ')}: ${stderr.trim() || `exit status ${code}`}`)
  return stdout.trim()
}
