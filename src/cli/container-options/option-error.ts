/** An option whose value the client itself cannot accept; the message is docker's, where it has one. */
export class OptionError extends Error {
  override readonly name = 'OptionError'
}
