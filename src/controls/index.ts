export { type CaseOutcome, type CaseReport, type ControlCases, runCases } from './cases.ts'
export { type Catalog, type CatalogOptions, type CatalogProblem, controlTexts, loadCatalog } from './catalog.ts'
export { type Classification, classify } from './classify.ts'
export { type ControlParameter, controlParameters } from './control-parameters.ts'
export { type ControlsCode, ControlsError } from './controls-error.ts'
export { buildEstate, type Estate, populationOf } from './estate.ts'
export { evaluate } from './evaluate.ts'
export { meaningProblem, readExceptionFile } from './exception-file.ts'
export { type ExceptionReach, exceptionReach } from './exception-reach.ts'
export { exceptionProblems } from './exception-scope.ts'
export { type ExplainedPart, type Explanation, explainStatus } from './explain.ts'
export {
  type FrameworkCoverage,
  frameworkCoverage,
  type RequirementControl,
  type RequirementCoverage,
} from './framework-coverage.ts'
export { type NeededHistory, neededHistory, needsExceptions, needsKept } from './needed-history.ts'
export { newControl } from './new-control.ts'
export { parametersDigest } from './parameters.ts'
export { restingOnNames } from './reads-names.ts'
