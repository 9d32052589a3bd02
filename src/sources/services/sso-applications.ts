import {
  DescribeApplicationCommand,
  GetApplicationAssignmentConfigurationCommand,
  GetApplicationSessionConfigurationCommand,
  ListApplicationAccessScopesCommand,
  ListApplicationAssignmentsCommand,
  ListApplicationAuthenticationMethodsCommand,
  ListApplicationGrantsCommand,
  ListApplicationsCommand,
} from '@aws-sdk/client-sso-admin'
import { callsPer, type Dataset, joined, type Operation, operationsOf, pagesOf, rowOf, rowsOf, text } from '../dataset.ts'
import { withSets } from '../sets.ts'

const operation = operationsOf('sso')

/** ListApplications takes 100 and answers at most 50. */
const applicationsPerPage = 50
const assignmentsPerPage = 100
const scopesPerPage = 10

const describeApplication = operation('DescribeApplication', DescribeApplicationCommand)

const listApplications = operation('ListApplications', ListApplicationsCommand)

const applications: Dataset = {
  name: 'sso.applications',
  isPopulation: true,
  operation: listApplications,
  parents: 'instance',
  // what may be asked for; the answer is half of it
  pageSize: 100,
  input: instanceArn => ({ InstanceArn: instanceArn }),
  rows: answer => rowsOf(answer.Applications, application => text(application, 'ApplicationArn')),
  emptyBeside: ['sso.instance_details', 'sso.permission_set_arns'],
  calls: rows => pagesOf(rows('sso.applications'), applicationsPerPage),
}

const assignments = detail(
  'sso.application_assignments',
  operation('ListApplicationAssignments', ListApplicationAssignmentsCommand),
  {
    pageSize: assignmentsPerPage,
    rows: (answer, applicationArn) =>
      rowsOf(answer.ApplicationAssignments, assignment =>
        joined(applicationArn, text(assignment, 'PrincipalType'), text(assignment, 'PrincipalId')),
      ),
    calls: rows => callsPer(rows('sso.applications'), rows('sso.application_assignments'), assignmentsPerPage),
  },
)

/** Without AssignmentRequired every user of the store may use the application. */
const assignmentConfigurations = detail(
  'sso.application_assignment_configurations',
  operation('GetApplicationAssignmentConfiguration', GetApplicationAssignmentConfigurationCommand),
  {
    pageSize: null,
    // the model promises the member; an answer without it decides nothing
    rows: (answer, applicationArn) => (typeof answer.AssignmentRequired === 'boolean' ? rowOf(answer, applicationArn) : null),
  },
)

/** Whether sessions of the application go on in the background, after its user has left. */
const sessionConfigurations = detail(
  'sso.application_session_configurations',
  operation('GetApplicationSessionConfiguration', GetApplicationSessionConfigurationCommand),
  {
    pageSize: null,
    rows: (answer, applicationArn) => rowOf(answer, applicationArn),
  },
)

const accessScopes = detail(
  'sso.application_access_scopes',
  operation('ListApplicationAccessScopes', ListApplicationAccessScopesCommand),
  {
    pageSize: scopesPerPage,
    rows: (answer, applicationArn) => rowsOf(answer.Scopes, scope => joined(applicationArn, text(scope, 'Scope'))),
    calls: rows => callsPer(rows('sso.applications'), rows('sso.application_access_scopes'), scopesPerPage),
  },
)

const authenticationMethods = detail(
  'sso.application_authentication_methods',
  operation('ListApplicationAuthenticationMethods', ListApplicationAuthenticationMethodsCommand),
  {
    pageSize: 'unsized',
    rows: (answer, applicationArn) =>
      rowsOf(answer.AuthenticationMethods, method => joined(applicationArn, text(method, 'AuthenticationMethodType'))),
  },
)

const grants = detail('sso.application_grants', operation('ListApplicationGrants', ListApplicationGrantsCommand), {
  pageSize: 'unsized',
  rows: (answer, applicationArn) => rowsOf(answer.Grants, grant => joined(applicationArn, text(grant, 'GrantType'))),
})

/** Applications of Identity Center and who may use them how. */
export const applicationDatasets: readonly Dataset[] = [
  applications,
  assignments,
  assignmentConfigurations,
  sessionConfigurations,
  withSets(accessScopes, 'AuthorizedTargets'),
  authenticationMethods,
  grants,
]

/** A dataset that is asked for once per application. */
function detail(
  name: string,
  asked: Operation,
  own: Pick<Dataset, 'pageSize' | 'rows'> & Partial<Pick<Dataset, 'calls'>>,
): Dataset {
  return {
    name,
    operation: asked,
    parents: [{ dataset: 'sso.applications', parent: application => application.key }],
    input: applicationArn => ({ ApplicationArn: applicationArn }),
    calls: rows => rows('sso.applications'),
    gone: {
      what: 'the application',
      isMeant: trouble => trouble.kind === 'not_found',
      operations: [describeApplication, listApplications],
      async confirm(ask, applicationArn, { instanceArn }) {
        const said = await ask(describeApplication, { ApplicationArn: applicationArn })
        if ('answer' in said) return 'exists'
        if (said.trouble.kind !== 'not_found') return said.trouble
        // where the instance is not found the error is the same, and says nothing of the application
        const listed = await ask(listApplications, { InstanceArn: instanceArn, MaxResults: 1 })
        return 'trouble' in listed ? listed.trouble : 'gone'
      },
    },
    ...own,
  }
}
