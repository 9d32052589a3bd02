/** Text of the outside world as Postgres and canonical JSON can hold it: without NUL and lone surrogates. */
export function storable(text: string): string {
  return text.replaceAll('\0', '').toWellFormed()
}
