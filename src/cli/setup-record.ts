import { type Config, describeConfig } from '../config.ts'
import type { Catalog } from '../controls/index.ts'
import { digestOf } from '../digest.ts'
import { recordChange, type Store } from '../store/index.ts'
import { softwareVersion } from '../version.ts'

/** Puts configuration and catalog into the ledger where they changed. No secret goes in: only the digest of what `config show` shows. */
export async function recordSetup(store: Store, config: Config, catalog: Catalog | null): Promise<void> {
  const shown = describeConfig(config)
  await recordChange(store, 'config', { digest: digestOf(shown), file: config.file, softwareVersion })
  if (catalog === null) return
  const { digest, controls, frameworks, problems } = catalog
  await recordChange(store, 'catalog', {
    digest,
    ...{ controls: controls.length, frameworks: frameworks.length, brokenFiles: problems.length, softwareVersion },
  })
}
