import { readdirSync } from 'node:fs'
import { chmod, mkdtemp } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { silent } from '../../src/log.ts'
import type { StoreOptions } from '../../src/store/index.ts'

/** What `openStore` needs for a URL, or for the embedded server in a folder, with quiet defaults. */
export function optionsFor(url: string | null, dataDir = '/nonexistent'): StoreOptions {
  return { url, dataDir, log: silent, now: () => new Date(), softwareVersion: '0.0.0-test' }
}

/** A folder below the temporary one that the embedded server's user may pass. The caller removes it. */
export async function passableFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'evidenced-store-'))
  await chmod(folder, 0o755)
  return folder
}

/** Every migration of this program, oldest first. */
export const migrationNames = readdirSync(new URL('../../migrations/', import.meta.url))
  .map(file => file.replace(/\.sql$/, ''))
  .sort()
