import { existsSync, readFileSync } from 'node:fs'
import { ReportsError } from './reports-error.ts'

/** How documents and pages look here: templates of one's own, a logo, and a local time beside UTC. */
export interface Look {
  /** folder with templates that take the place of those of the same name; null: none */
  readonly folder: string | null
  /** PNG or JPEG; null: none */
  readonly logo: { readonly mediaType: 'image/png' | 'image/jpeg'; readonly bytes: Buffer } | null
  /** IANA name of the zone whose time stands beside UTC; null: UTC alone */
  readonly timeZone: string | null
  /** BCP 47, how the local time is written */
  readonly locale: string
}

/** As the program comes. */
export const plainLook: Look = { folder: null, logo: null, timeZone: null, locale: 'en-GB' }

const mostLogoBytes = 1 << 20

/**
 * Reads what a look is made of.
 * @param options paths are absolute
 * @throws {ReportsError} TEMPLATE_BROKEN for a folder that is not there, LOGO_INVALID for a logo that is no PNG or JPEG of at most 1 MiB
 */
export function openLook(options: {
  readonly templates: string | null
  readonly logo: string | null
  readonly timeZone: string | null
  readonly locale: string
}): Look {
  const { templates: folder, logo, timeZone, locale } = options
  if (folder !== null && !existsSync(folder))
    throw new ReportsError('TEMPLATE_BROKEN', `there is no folder ${folder} with templates`, {
      hint: 'make it, or take reports.templates out of the configuration',
    })
  return { folder, logo: logo === null ? null : readLogo(logo), timeZone, locale }
}

function readLogo(path: string): Look['logo'] {
  const hint = 'name a PNG or JPEG file of at most 1 MiB with reports.logo'
  let bytes: Buffer
  try {
    bytes = readFileSync(path)
  } catch (cause) {
    throw new ReportsError('LOGO_INVALID', `the logo ${path} cannot be read: ${(cause as Error).message}`, { hint, cause })
  }
  const isPng = bytes.subarray(0, 8).equals(Buffer.from('89504e470d0a1a0a', 'hex'))
  const isJpeg = bytes.subarray(0, 3).equals(Buffer.from('ffd8ff', 'hex'))
  if ((!isPng && !isJpeg) || bytes.length > mostLogoBytes)
    throw new ReportsError('LOGO_INVALID', `the logo ${path} is no PNG or JPEG of at most 1 MiB`, { hint })
  return { mediaType: isPng ? 'image/png' : 'image/jpeg', bytes }
}

/** A text whose times (RFC 3339, UTC) have the local time beside them where one was chosen. */
export function withLocalTimes(text: string, look: Look): string {
  if (look.timeZone === null) return text
  return text.replaceAll(/\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,3})?Z/g, time => `${time} (${localTime(look, time)})`)
}

/** A time in the zone and manner of the look, with the zone's name; null where UTC is enough. */
export function localTime({ timeZone, locale }: Look, time: string): string | null {
  if (timeZone === null) return null
  const format = new Intl.DateTimeFormat(locale, {
    ...{ timeZone, year: 'numeric', month: 'short', day: 'numeric', hour: '2-digit', minute: '2-digit', second: '2-digit' },
    timeZoneName: 'short',
  })
  // thin and unbreakable spaces differ from one release of the tables to the next
  return format.format(new Date(time)).replaceAll(/[\u202f\u00a0\u2009]/g, ' ')
}
