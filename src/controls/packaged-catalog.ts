import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { problemLine, readYaml } from '../document.ts'
import type { Json } from '../model.ts'
import { ControlsError } from './controls-error.ts'

/** The catalog that comes with the program; the same depth from src/ and from dist/. */
export const packagedCatalog: string = join(import.meta.dirname, '../../controls')

/**
 * A file of reference data in the packaged catalog's `data/`, as its schema has it.
 * @throws {ControlsError} CATALOG_UNREADABLE, DATA_INVALID
 */
export function readPackagedData(name: string, schema: Parameters<typeof readYaml>[2]): Json {
  const file = join(packagedCatalog, 'data', name)
  let text: string
  try {
    text = readFileSync(file, 'utf8')
  } catch (cause) {
    throw new ControlsError('CATALOG_UNREADABLE', `${file} cannot be read`, { hint: 'install the package again', cause })
  }
  const { value, problems } = readYaml(text, file, schema)
  const first = problems[0]
  if (first !== undefined) throw new ControlsError('DATA_INVALID', problemLine(first), { hint: 'install the package again' })
  return value as Json
}
