import { createHash } from 'node:crypto'

/** Our own name space, so that nobody else's names give the same ids. */
const nameSpace = Buffer.from('6f1d2b0e5c0a5d0b9f3ea4c1d2e3f405', 'hex')

/**
 * A UUID made from a name: same name, same UUID.
 * @see https://www.rfc-editor.org/rfc/rfc9562#name-uuid-version-5
 */
export function uuid5(name: string): string {
  const bytes = createHash('sha1').update(nameSpace).update(name).digest().subarray(0, 16)
  bytes[6] = (bytes[6]! & 0x0f) | 0x50
  bytes[8] = (bytes[8]! & 0x3f) | 0x80
  return bytes.toString('hex').replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5')
}
