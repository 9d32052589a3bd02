import type { Catalog } from '../controls/index.ts'
import { problemLine } from '../document.ts'
import type { Evaluation } from '../model.ts'

/**
 * What keeps controls from deciding anything, one line each: files of the catalog that cannot be loaded, and controls that broke while they
 * judged, such as by a parameter that they cannot use. Nothing is whole beside one.
 */
export function mistakesOf(
  { problems }: Pick<Catalog, 'problems'>,
  { outcomes }: Pick<Evaluation, 'outcomes'>,
): readonly string[] {
  const broken = outcomes.flatMap(({ control, source, error }) =>
    error === null ? [] : [`${control.id} of ${source}: ${error}`],
  )
  return [...problems.map(problemLine), ...broken]
}
