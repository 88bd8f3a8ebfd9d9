import { GantryError } from '../../lib/errors.ts'
import { familiarName, fullString, parseReference, withDefaultTag } from '../../lib/reference.ts'

/** Full names from the exporter's `name`, which is a list with commas. @throws InvalidParameter */
export function imageNames(text: string | undefined): string[] {
  const names = (text ?? '').split(',').map((name) => name.trim()).filter((name) => name !== '')
  return [...new Set(names.map(fullName))]
}

/** As they are told: in full, with a tag where one was given. */
export function shownNames(text: string | undefined): string[] {
  const names = (text ?? '').split(',').map((name) => name.trim()).filter((name) => name !== '')
  return [...new Set(names.map((name) => fullString(parseReference(name))))]
}

function fullName(text: string): string {
  try {
    const reference = withDefaultTag(parseReference(text))
    if (reference.digest !== undefined) throw new GantryError('InvalidParameter', 'refusing to create a tag with a digest reference')
    if (familiarName(reference) === 'sha256') throw new GantryError('InvalidParameter', 'refusing to create an ambiguous tag using digest algorithm as name')
    return fullString(reference)
  } catch (error) {
    if (error instanceof GantryError && error.message.startsWith('invalid reference')) throw new GantryError('InvalidParameter', `invalid tag ${JSON.stringify(text)}: ${error.message}`, { cause: error })
    throw error
  }
}
