import { readFileSync } from 'node:fs'

/** Version of this software as package.json says; stands in every snapshot and bundle. */
export const softwareVersion: string = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')).version
