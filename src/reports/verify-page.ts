import { hash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import type { Artifact } from '../model.ts'
import { styleSources } from './templates.ts'

/**
 * A page that checks a bundle in a browser, from a file and with no network: its own policy lets through its one style and its one script and
 * forbids every request. Inside a bundle it is a convenience; only a copy from elsewhere can vouch.
 */
export function verifyPage(): Uint8Array {
  const html = readFileSync(new URL('../../reports/verify.html', import.meta.url), 'utf8')
  const scripts = [...html.matchAll(/<script>([\s\S]*?)<\/script>/g)].map(([, js]) => `'sha256-${hash('sha256', js!, 'base64')}'`)
  const policy = `default-src 'none'; style-src ${styleSources(html)}; script-src ${scripts.join(' ')}; base-uri 'none'; form-action 'none'`
  return Buffer.from(html.replace('POLICY-OF-THIS-DOCUMENT', policy))
}

/** The page as a file of a bundle. */
export function verifyPageArtifact(): Artifact {
  return {
    path: 'verify.html',
    mediaType: 'text/html; charset=utf-8',
    title: 'Checks this bundle in a browser, with no network; take a trusted copy from elsewhere',
    async *read() {
      yield verifyPage()
    },
  }
}
