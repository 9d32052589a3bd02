/** From here on the call that copies many bytes at once is faster than a loop. */
const many = 64

/** Copies bytes from one place to another, the few of an id without the cost of a call for them. */
export function copyPiece(to: Buffer, at: number, bytes: Buffer, from: number, end: number): void {
  if (end - from >= many) bytes.copy(to, at, from, end)
  else for (let i = from, j = at; i < end; i++, j++) to[j] = bytes[i]!
}
