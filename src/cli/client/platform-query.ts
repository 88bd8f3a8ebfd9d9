/** "os[/arch[/variant]]" as push, save and load want it in their query: JSON of an OCI platform. Undefined for "". */
export function platformQuery(text: string): string | undefined {
  if (text === '') return undefined
  const [os = '', architecture = '', variant] = text.toLowerCase().split('/')
  return JSON.stringify({ architecture, os, ...(variant && { variant }) })
}
