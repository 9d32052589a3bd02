import type { Exception, ExceptionState } from './model.ts'

/**
 * Where an exception stands at an instant. An approval counts from its own time on, so an instant before it sees a request only.
 * Whoever approved it, it has lapsed once its end has come.
 */
export function exceptionState(exception: Exception, at: Date): ExceptionState {
  const by = (time: string | null) => time !== null && Date.parse(time) <= at.getTime()
  if (by(exception.revokedAt)) return 'revoked'
  if (by(exception.expiresAt)) return 'lapsed'
  return exception.approvedBy !== null && by(exception.approvedAt) ? 'approved' : 'requested'
}

/**
 * The same person, however the name is written: two names that differ in case, spaces or composition, in the name shown before an address
 * (`Ada <ada@example.com>`) or in its plus-tag alone are one. It compares what is claimed; who typed it, it cannot know.
 */
export function isSamePerson(a: string, b: string): boolean {
  return plainName(a) === plainName(b)
}

function plainName(name: string): string {
  const plain = name.normalize('NFKC').replace(/\s+/g, ' ').trim().toLowerCase()
  const address = /<\s*([^<>\s]+@[^<>\s]+)\s*>$/.exec(plain)?.[1] ?? plain
  return address.replace(/^([^@\s+]+)\+[^@\s]*(?=@)/, '$1')
}

/** What an exception covers, in words. */
export function scopeText({ scope }: Pick<Exception, 'scope'>): string {
  const parts = [
    ...(scope.source === null ? [] : [`source ${scope.source}`]),
    ...(scope.subjects === null ? [] : [`subject ${scope.subjects.join(', ')}`]),
    ...Object.entries(scope.match ?? {}).map(([name, patterns]) => `${name} ${patterns.join(' or ')}`),
    ...(scope.when === null ? [] : [`when ${scope.when}`]),
  ]
  return parts.length === 0 ? 'every fail of the controls' : parts.join('; ')
}
