import { indentJson } from '../../lib/go-template/json.ts'
import { TemplateError } from '../../lib/go-template/nodes.ts'
import type { CliContext } from '../command.ts'
import { errorText, ExitError } from '../exit-error.ts'
import { compileObjectTemplate } from './engine-object.ts'

/**
 * Prints each named object: JSON in one array, indented or with "json" on one line, or a template. What cannot be found is
 * reported after what could. `fetch` answers JSON text.
 */
export async function printObjects(
  context: CliContext,
  names: string[],
  options: { format: string; fetch: (name: string) => Promise<string> },
): Promise<void> {
  const { format } = options
  const render = format === '' || format === 'json' ? undefined : compile(format)
  const objects: string[] = []
  const errors: string[] = []
  for (const name of names) {
    try {
      const json = (await options.fetch(name)).trim()
      objects.push(render ? `${render(json)}\n` : json)
    } catch (error) {
      if (error instanceof TemplateError) {
        objects.push('\n')
        context.stdout.write(objects.join(''))
        throw new ExitError(`template parsing error: ${error.message}`, 1, { cause: error })
      }
      errors.push(errorText(error))
    }
  }
  if (render) context.stdout.write(objects.length > 0 ? objects.join('') : '\n')
  else {
    const list = indentJson(`[${objects.join(',')}]`, '    ')
    context.stdout.write(`${format === 'json' ? compactJson(list) : list}\n`)
  }
  if (errors.length > 0) throw new ExitError(errors.join('\n'))
}

function compile(format: string): (json: string) => string {
  try {
    return compileObjectTemplate(format)
  } catch (cause) {
    if (cause instanceof TemplateError) throw new ExitError(`template parsing error: ${cause.message}`, 64, { cause })
    throw cause
  }
}

function compactJson(json: string): string {
  return json.replaceAll(/("(?:[^"\\]|\\.)*")|\s+/g, (_all, text?: string) => text ?? '')
}
