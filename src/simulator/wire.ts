/** Anything AWS may send. */
export interface Wire {
  [member: string]: unknown
}

/** A row as it goes on the wire: AWS's own members, in PascalCase. The row itself where it has no others. */
export function wireMembers(row: object): object {
  for (const name in row) {
    if (!isWireName(name)) return Object.fromEntries(Object.entries(row).filter(([member]) => isWireName(member)))
  }
  return row
}

function isWireName(name: string): boolean {
  const first = name.charCodeAt(0)
  return first >= 65 && first <= 90
}
