import type { SignedHead } from './model.ts'

/** A head as it was written; null for a text that is none. Whether it is a true one, its signature says. */
export function signedHeadIn(text: string): SignedHead | null {
  try {
    const head = JSON.parse(text) as SignedHead
    return isHead(head) ? head : null
  } catch {
    return null
  }
}

function isHead(head: SignedHead | null): boolean {
  if (typeof head !== 'object' || head === null) return false
  const { snapshotDigest, evaluationDigest, previousDigest, version, ledgerPosition, lines } = head
  const texts = [head.stream, head.ledgerDigest, head.linesDigest, head.keyFingerprint, head.signature]
  const maybe = [snapshotDigest, evaluationDigest, previousDigest ?? undefined]
  return (
    texts.every(each => typeof each === 'string') &&
    maybe.every(each => each === undefined || typeof each === 'string') &&
    [version, ledgerPosition, lines].every(each => Number.isSafeInteger(each) && each >= 0)
  )
}
