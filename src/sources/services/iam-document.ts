import type { Facts, Json } from '../../model.ts'

/** A policy document as JSON text: IAM sends it URL-encoded (RFC 3986). What does not decode stays as it came. */
export function decoded(document: Json | undefined): Json | undefined {
  if (typeof document !== 'string') return document
  try {
    return decodeURIComponent(document)
  } catch {
    return document
  }
}

/** Facts with one document decoded. */
export function withDocument(facts: Facts, member: string): Facts {
  return member in facts ? { ...facts, [member]: decoded(facts[member]) ?? null } : facts
}

/** Facts with the document of every element of a list decoded. */
export function withDocuments(facts: Facts, list: string, member: string): Facts {
  const elements = facts[list]
  return Array.isArray(elements) ? { ...facts, [list]: elements.map(each => withDocument(each as Facts, member)) } : facts
}
