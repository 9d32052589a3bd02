interface Field {
  readonly name: string
  readonly least: number
  readonly most: number
  readonly names: readonly string[]
}

const months = [
  ...['january', 'february', 'march', 'april', 'may', 'june'],
  ...['july', 'august', 'september', 'october', 'november', 'december'],
]
const days = ['sunday', 'monday', 'tuesday', 'wednesday', 'thursday', 'friday', 'saturday']

const fields: readonly Field[] = [
  { name: 'minute', least: 0, most: 59, names: [] },
  { name: 'hour', least: 0, most: 23, names: [] },
  { name: 'day of month', least: 1, most: 31, names: [] },
  { name: 'month', least: 1, most: 12, names: months },
  { name: 'day of week', least: 0, most: 7, names: days },
]

const longest = [31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]

/** The fields of a cron expression, as the numbers that they name. */
export interface Cron {
  readonly minutes: ReadonlySet<number>
  readonly hours: ReadonlySet<number>
  readonly daysOfMonth: ReadonlySet<number>
  readonly months: ReadonlySet<number>
  /** 0 is Sunday */
  readonly daysOfWeek: ReadonlySet<number>
  /** both kinds of days are restricted: a day that is one of either will do, as crontab(5) has it */
  readonly isEitherDay: boolean
}

/** @param text an expression that `cronProblem` finds nothing wrong with @throws {RangeError} for another */
export function readCron(text: string): Cron {
  const parts = text.trim().split(/\s+/)
  const [minutes, hours, daysOfMonth, months, daysOfWeek] = fields.map((field, i) => {
    const values = valuesOf(parts[i] ?? '', field)
    if (typeof values === 'string') throw new RangeError(`${JSON.stringify(text)} is no cron expression: ${values}`)
    return new Set(values)
  })
  const isEitherDay = [parts[2], parts[4]].every(part => part?.startsWith('*') === false)
  return {
    ...{ minutes: minutes!, hours: hours!, daysOfMonth: daysOfMonth!, months: months!, isEitherDay },
    daysOfWeek: new Set([...daysOfWeek!].map(day => day % 7)),
  }
}

/** The same slots as an expression of numbers and commas alone, for whoever reads cron less freely; a field without a limit is `*`. */
export function plainCron(text: string): string {
  const { minutes, hours, daysOfMonth, months, daysOfWeek } = readCron(text)
  const plain = (values: ReadonlySet<number>, size: number) =>
    values.size === size ? '*' : [...values].sort((a, b) => a - b).join(',')
  return [plain(minutes, 60), plain(hours, 24), plain(daysOfMonth, 31), plain(months, 12), plain(daysOfWeek, 7)].join(' ')
}

/** What is wrong with a cron expression of five fields, in words; null when it is one and names a day that comes. */
export function cronProblem(text: string): string | null {
  const parts = text.trim().split(/\s+/)
  if (parts.length !== 5) return `it has ${parts.length} fields, not five`
  const values: number[][] = []
  for (const [i, field] of fields.entries()) {
    const read = valuesOf(parts[i]!, field)
    if (typeof read === 'string') return read
    values.push(read)
  }
  const [, , daysOfMonth, monthNumbers] = values
  const comes = monthNumbers!.some(month => daysOfMonth!.some(day => day <= longest[month - 1]!))
  return comes ? null : 'no month has such a day'
}

function valuesOf(text: string, field: Field): number[] | string {
  const values: number[] = []
  for (const item of text.split(',')) {
    const match = /^(?:(\*)|([a-z0-9]+)(?:-([a-z0-9]+))?)(?:\/(\d+))?$/i.exec(item)
    if (match === null) return `${JSON.stringify(item)} is no ${field.name}`
    const [, star, from, to, step] = match
    const low = star === undefined ? numberOf(from!, field) : field.least
    const high = star === undefined ? (to === undefined ? low : numberOf(to, field)) : field.most
    if (low === null || high === null) return `${item} is no ${field.name}: ${field.least} to ${field.most}`
    if (star === undefined && to === undefined && step !== undefined)
      return `${item} is a step without a range: */${step} or ${from}-${field.most}/${step}`
    if (low > high || step === '0') return `${item} is an empty range of the ${field.name}`
    for (let value = low; value <= high; value += Number(step ?? 1)) values.push(value)
  }
  return values
}

function numberOf(text: string, { least, most, names }: Field): number | null {
  const named = names.findIndex(name => [name, name.slice(0, 3)].includes(text.toLowerCase()))
  if (named >= 0) return named + least
  const value = /^\d+$/.test(text) ? Number(text) : Number.NaN
  return value >= least && value <= most ? value : null
}
