/**
 * Line and column, counted from 1, of a place inside an expression that stands in a YAML file.
 * YAML folds, indents and quotes what it holds, but the expression's characters stand in the file in their order: they are
 * followed one by one, passing over white space and what the style adds.
 * @param text of the whole file
 * @param key where the member's key stands
 * @param value the expression, as parsed
 * @param offset in `value`
 */
export function placeIn(
  text: string,
  key: { readonly line: number; readonly column: number },
  value: string,
  offset: number,
): { line: number; column: number } {
  const lines = text.split('\n')
  const keyOffset = lines.slice(0, key.line - 1).reduce((sum, line) => sum + line.length + 1, 0) + key.column - 1
  let position = text.indexOf(':', keyOffset) + 1
  while (text[position] === ' ') position++
  if (text[position] === '|' || text[position] === '>') position = text.indexOf('\n', position) + 1
  let reached = position
  for (let i = 0; i <= Math.min(offset, value.length - 1); i++) {
    const character = value[i]!
    if (/\s/.test(character)) continue
    const found = text.indexOf(character, position)
    if (found === -1) break
    reached = found
    position = found + 1
  }
  const before = text.slice(0, reached)
  return { line: before.split('\n').length, column: reached - before.lastIndexOf('\n') }
}
