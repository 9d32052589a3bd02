export { addAccount, moveAccount } from './accounts.ts'
export { buildOrganization, type OrganizationShape } from './build.ts'
export type { AccessKey, TrustedRole } from './credentials.ts'
export { defectsOf } from './defects.ts'
export { type DriftEvent, drift } from './drift.ts'
export { emptyOrganization } from './empty-organization.ts'
export { SimulatorError } from './errors.ts'
export { emptyIam, type SimulatedIam } from './iam-account.ts'
export { type Identifiers, identifiers } from './identifiers.ts'
export type {
  SimulatedAccount,
  SimulatedApplication,
  SimulatedApplicationAssignment,
  SimulatedAssignment,
  SimulatedDefect,
  SimulatedGroup,
  SimulatedInstance,
  SimulatedMembership,
  SimulatedOrganization,
  SimulatedOu,
  SimulatedPair,
  SimulatedPermissionSet,
  SimulatedUser,
} from './organization.ts'
export { addGroup, addMembership, addUser, personAt } from './people.ts'
export { documentedRates, type Rates, unlimited } from './rates.ts'
export type { Fault, Hook, When } from './rules.ts'
export { type SimulatedCall, type Simulator, type SimulatorOptions, startSimulator } from './simulator.ts'
