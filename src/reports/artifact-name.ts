import { sha256 } from '../digest.ts'

/**
 * A label as one part of a path that every system reads the same. A label that is plain already stays; another keeps what is plain
 * of it, with the start of its digest, so that two labels never share a file.
 */
export function pathPart(label: string): string {
  if (/^[A-Za-z0-9_-][A-Za-z0-9._-]{0,59}$/.test(label) && !label.endsWith('.')) return label
  const plain = label
    .normalize('NFKD')
    .replace(/[^A-Za-z0-9]+/g, '-')
    .replace(/^-|-$/g, '')
    .slice(0, 40)
  return `${plain === '' ? 'source' : plain}-${sha256(label).slice(0, 8)}`
}
