/** What `docker logs --details` prints before a line: "key=value,…", query-escaped as Go does. */
export function attributesText(attributes: ReadonlyMap<string, string>): string {
  return [...attributes].map(([key, value]) => `${escape(key)}=${escape(value)}`).join(',')
}

function escape(text: string): string {
  return encodeURIComponent(text)
    .replaceAll('%20', '+')
    .replaceAll(/[!'()*]/g, (letter) => `%${letter.charCodeAt(0).toString(16).toUpperCase()}`)
}
