import { randomUUID } from 'node:crypto'
import { chmod, mkdir, rm, writeFile } from 'node:fs/promises'
import path from 'node:path'

/** A heredoc as a file, as long as `use` takes. */
export async function withInlineFile<Result>(directory: string, content: string, use: (name: string) => Promise<Result>): Promise<Result> {
  await mkdir(directory, { recursive: true, mode: 0o700 })
  const name = randomUUID()
  const file = path.join(directory, name)
  try {
    await writeFile(file, content, { flag: 'wx' })
    await chmod(file, 0o644)
    return await use(name)
  } finally {
    await rm(file, { force: true })
  }
}
