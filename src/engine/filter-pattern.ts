/** A filter's value as Docker takes it for names and ids: the text itself, or a regular expression that is found in it. */
export function patternTest(value: string): (text: string) => boolean {
  try {
    const pattern = new RegExp(value)
    return (text) => text === value || pattern.test(text)
  } catch {
    return (text) => text === value
  }
}
