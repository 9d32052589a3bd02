/** Sizes of organizations that figures are given for. */
export const sizes = {
  S: {
    accounts: 50,
    users: 500,
    groups: 60,
    permissionSets: 25,
    pairs: 300,
    memberships: 2_000,
    assignments: 700,
    applications: 5,
  },
  M: {
    accounts: 500,
    users: 10_000,
    groups: 1_500,
    permissionSets: 200,
    pairs: 6_000,
    memberships: 80_000,
    assignments: 15_000,
    applications: 40,
  },
  L: {
    accounts: 10_000,
    users: 100_000,
    groups: 40_000,
    permissionSets: 3_000,
    pairs: 250_000,
    memberships: 1_000_000,
    assignments: 1_000_000,
    applications: 500,
  },
} as const
