import type { Json, StoredResource } from '../model.ts'

/** A time of the credential report; null for `N/A`, `no_information`, `not_supported` and whatever else is none. */
export function instantOf(value: Json | undefined): Date | null {
  if (typeof value !== 'string' || !/^\d{4}-\d\d-\d\d/.test(value)) return null
  const time = new Date(value)
  return Number.isNaN(time.getTime()) ? null : time
}

/** Whether a cell of the credential report says a time, or says that there is none. */
export function isInstantOrNone(value: Json | undefined): boolean {
  return value === 'N/A' || value === 'no_information' || value === 'not_supported' || instantOf(value) !== null
}

/** The default version's document of a customer managed policy, as AWS keeps it. */
export function defaultDocument({ facts }: StoredResource): Json | undefined {
  const versions = Array.isArray(facts.PolicyVersionList) ? facts.PolicyVersionList : []
  const isDefault = (version: Json) =>
    typeof version === 'object' &&
    version !== null &&
    ('IsDefaultVersion' in version
      ? version.IsDefaultVersion === true
      : 'VersionId' in version && version.VersionId === facts.DefaultVersionId)
  const found = versions.find(isDefault)
  return typeof found === 'object' && found !== null && 'Document' in found ? found.Document : undefined
}
