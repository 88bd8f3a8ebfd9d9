import { spawn } from 'node:child_process'
import { ExitError } from '../exit-error.ts'

export interface HelperCredentials {
  ServerURL: string
  /** "<token>" when the secret is an identity token. */
  Username: string
  Secret: string
}

/** Docker's credential helper protocol: the program docker-credential-<name> with a verb, and JSON or an address on its input. */
export async function helperGet(name: string, address: string): Promise<HelperCredentials | undefined> {
  const { code, output } = await call(name, 'get', address)
  if (code === 0) return JSON.parse(output) as HelperCredentials
  if (output.includes('credentials not found in native keychain')) return undefined
  throw new ExitError(`error getting credentials - err: exit status ${code}, out: \`${output}\``)
}

export async function helperStore(name: string, credentials: HelperCredentials): Promise<void> {
  const { code, output } = await call(name, 'store', JSON.stringify(credentials))
  if (code !== 0) throw new ExitError(`Error saving credentials: error storing credentials - err: exit status ${code}, out: \`${output}\``)
}

export async function helperErase(name: string, address: string): Promise<void> {
  const { code, output } = await call(name, 'erase', address)
  if (code === 0 || output.includes('credentials not found in native keychain')) return
  throw new ExitError(`error erasing credentials - err: exit status ${code}, out: \`${output}\``)
}

function call(name: string, verb: string, input: string): Promise<{ code: number; output: string }> {
  const program = `docker-credential-${name}`
  if (!/^[\w.-]+$/.test(name)) throw new ExitError(`cannot use credential helper ${JSON.stringify(name)}: it is no name of a program`)
  return new Promise((resolve, reject) => {
    const child = spawn(program, [verb], { stdio: ['pipe', 'pipe', 'inherit'] })
    const chunks: Buffer[] = []
    child.stdout.on('data', (chunk: Buffer) => chunks.push(chunk))
    child.on('error', (cause: NodeJS.ErrnoException) => {
      const reason = cause.code === 'ENOENT' ? `exec: ${JSON.stringify(program)}: executable file not found in $PATH` : cause.message
      reject(new ExitError(`error getting credentials - err: ${reason}, out: \`\``, 1, { cause }))
    })
    child.on('close', (code) => resolve({ code: code ?? 255, output: Buffer.concat(chunks).toString().trim() }))
    // A helper that ends without reading shows it by its code.
    child.stdin.on('error', () => undefined)
    child.stdin.end(input)
  })
}
