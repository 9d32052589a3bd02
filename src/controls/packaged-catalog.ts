import { join } from 'node:path'

/** The catalog that comes with the program; the same depth from src/ and from dist/. */
export const packagedCatalog: string = join(import.meta.dirname, '../../controls')
