/** One line of a CSV file: its cells and the line it begins on, counted from 1. */
export interface CsvLine {
  readonly line: number
  readonly cells: readonly string[]
}

/**
 * Reads comma-separated values: quoted cells may hold commas, line breaks and doubled quotes; empty lines are passed over.
 * @throws {SyntaxError} with the line, when a quote is never closed or text follows a closing quote
 * @see https://www.rfc-editor.org/rfc/rfc4180
 */
export function readCsv(text: string): readonly CsvLine[] {
  const lines: CsvLine[] = []
  let cells: string[] = []
  let cell = ''
  let line = 1
  let began = 1
  let isQuoted = false
  let wasQuoted = false
  const endLine = () => {
    if (cells.length > 0 || cell !== '' || wasQuoted) lines.push({ line: began, cells: [...cells, cell] })
    cells = []
    cell = ''
    wasQuoted = false
    began = line
  }
  const start = text.startsWith('\uFEFF') ? 1 : 0
  for (let i = start; i < text.length; i++) {
    const character = text[i]!
    if (character === '\n') line++
    if (isQuoted) {
      if (character !== '"') cell += character
      else if (text[i + 1] === '"') {
        cell += '"'
        i++
      } else isQuoted = false
    } else if (character === ',') {
      cells.push(cell)
      cell = ''
      wasQuoted = false
    } else if (character === '\n') endLine()
    else if (character === '\r' && text[i + 1] === '\n') continue
    else if (character === '"' && cell === '' && !wasQuoted) {
      isQuoted = true
      wasQuoted = true
    } else if (wasQuoted) throw new SyntaxError(`line ${line}: text follows a closing quote`)
    else cell += character
  }
  if (isQuoted) throw new SyntaxError(`line ${began}: a quote is never closed`)
  endLine()
  return lines
}
