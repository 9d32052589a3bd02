import { EvidenceError } from './evidence-error.ts'
import { sealNames } from './manifest.ts'

const segment = /^[A-Za-z0-9_-][A-Za-z0-9._-]*$/

/** True for paths that mean the same on every system and in every tool: no `..`, no drive, no space, no control character. */
export function isPlainPath(path: string): boolean {
  return path.length <= 200 && path.split('/').every(part => segment.test(part) && !part.endsWith('.'))
}

/**
 * Holds the paths of one bundle against each other: plain, not taken by the seal, and different on systems that ignore case.
 * @throws {EvidenceError} ARTIFACT_PATH_INVALID
 */
export function checkArtifactPaths(): (path: string) => void {
  const taken = new Set<string>(Object.values(sealNames).map(name => name.toLowerCase()))
  return path => {
    if (!isPlainPath(path)) {
      throw new EvidenceError('ARTIFACT_PATH_INVALID', `the artifact path ${JSON.stringify(path)} is not plain`, {
        hint: 'use letters, digits, ".", "_" and "-", with "/" between folders',
      })
    }
    if (taken.has(path.toLowerCase())) {
      throw new EvidenceError('ARTIFACT_PATH_INVALID', `two files of the bundle would be named ${path}`, {
        hint: 'give each artifact a path of its own',
      })
    }
    taken.add(path.toLowerCase())
  }
}
