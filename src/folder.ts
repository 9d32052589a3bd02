import { mkdir, stat } from 'node:fs/promises'
import { dirname } from 'node:path'

/**
 * Makes a folder and those above it; true when it was not there. Node's own `recursive` never returns where making a folder
 * fails with ENOENT although its parent is there, as below /proc.
 * @throws what the file system says: EACCES, EROFS, ENOTDIR, ENOENT, …
 */
export async function makeFolder(path: string): Promise<boolean> {
  try {
    await mkdir(path)
    return true
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === 'EEXIST' && (await stat(path)).isDirectory()) return false
    if (code !== 'ENOENT' || !(await makeFolder(dirname(path)))) throw error
    await mkdir(path)
    return true
  }
}
