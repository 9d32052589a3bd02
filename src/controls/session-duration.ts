/**
 * Hours of an ISO 8601 duration as SessionDuration carries it (`PT8H`, `PT1H30M`, `P1D`); null when it is none.
 * Years and months have no fixed length and are refused.
 * @see https://docs.aws.amazon.com/singlesignon/latest/APIReference/API_PermissionSet.html
 */
export function sessionHours(duration: string): number | null {
  const match = /^P(?:(\d+)W)?(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:(\d+(?:\.\d+)?)S)?)?$/.exec(duration)
  if (match === null || !/\d/.test(duration)) return null
  const [weeks, days, hours, minutes, seconds] = match.slice(1).map(part => Number(part ?? 0))
  return weeks! * 168 + days! * 24 + hours! + minutes! / 60 + seconds! / 3600
}
