export type { AccessMatrix, MatrixOrder, MatrixQuestion } from './access-matrix.ts'
export { accessMatrix, matrixColumns, matrixOrders } from './access-matrix.ts'
export { asffArtifact } from './asff.ts'
export type { ControlSection, OutcomeSection, ResultRow } from './control-section.ts'
export type { Cell } from './csv.ts'
export { csvMediaType, csvOf } from './csv.ts'
export type { ExceptionRegisterView, RegisterFormat } from './exception-register.ts'
export { exceptionRegisterArtifact, exceptionRegisterView, registerFormats } from './exception-register.ts'
export type { ExceptionNote, ExceptionRow } from './exception-row.ts'
export { exceptionRow, exceptionText } from './exception-row.ts'
export { exceptionArtifacts, exceptionColumns } from './exceptions-artifact.ts'
export type { FailureEpisode } from './failure-episodes.ts'
export type { ControlView, ExceptionsView, FindingChoice, FindingsView, FindingView } from './finding-pages.ts'
export { controlView, exceptionsView, findingsView, findingView } from './finding-pages.ts'
export { findingColumns, findingsArtifact } from './findings-artifact.ts'
export type { FrameworkFormat } from './framework-artifacts.ts'
export { defaultFormats, frameworkArtifact, frameworkFormats } from './framework-artifacts.ts'
export { frameworkReportPdf } from './framework-report-pdf.ts'
export type {
  FrameworkReportInput,
  FrameworkReportView,
  RequirementOutcome,
  RequirementSection,
  SourceProof,
} from './framework-report-view.ts'
export { frameworkReportView } from './framework-report-view.ts'
export { type GapCause, gapCauses } from './gap-causes.ts'
export type { HomeInput, HomeView } from './home-view.ts'
export { homeView } from './home-view.ts'
export { notInViewOf } from './not-in-view.ts'
export { ocsfArtifact } from './ocsf.ts'
export type { OperationCalls } from './operation-calls.ts'
export { countCalls } from './operation-calls.ts'
export { oscalArtifact } from './oscal.ts'
export type { PeriodFormat } from './period-artifacts.ts'
export { periodArtifacts, periodFormats } from './period-artifacts.ts'
export type { NotCompared, PeriodChange, PeriodChanges } from './period-changes.ts'
export { periodChanges } from './period-changes.ts'
export type { CalendarDay, PeriodControl, PeriodReportInput, PeriodReportView } from './period-report-view.ts'
export { periodReportView } from './period-report-view.ts'
export type { ReadDataset } from './population-artifacts.ts'
export { populationArtifacts, populationNames, populationTable } from './population-artifacts.ts'
export { populationWorkbook } from './population-workbook.ts'
export type { Mask } from './pseudonyms.ts'
export { maskOf, maskStatement } from './pseudonyms.ts'
export type { ErrorView, Page } from './render-page.ts'
export { renderPage } from './render-page.ts'
export type { ReportFormat } from './render-report.ts'
export { renderReport, reportArtifact } from './render-report.ts'
export { reportWorkbook } from './report-workbook.ts'
export type { ReportsCode } from './reports-error.ts'
export { ReportsError } from './reports-error.ts'
export type { JudgedResult } from './results-artifact.ts'
export { judgedResults, resultColumns, resultLine, resultLinesArtifact, resultRows, resultsArtifact } from './results-artifact.ts'
export type { SampleWorkbookInput } from './sample-workbook.ts'
export { sampleWorkbook } from './sample-workbook.ts'
export { readSnapshotLines, snapshotArtifact } from './snapshot-artifact.ts'
export { historyArtifact, importArtifact, readHistoryLines, readImportLines } from './surroundings-artifact.ts'
export type { TableFormat } from './table-artifacts.ts'
export { tableArtifacts, tableFormats } from './table-artifacts.ts'
export type { ReportTable, TableReport } from './table-report.ts'
export type { ChangeList, DatasetCalls } from './table-reports.ts'
export {
  accessReport,
  callsByDataset,
  callsReport,
  changeLists,
  changesReport,
  populationReport,
  tieOutReport,
} from './table-reports.ts'
export { verifyPage, verifyPageArtifact } from './verify-page.ts'
export type { Sheet, SheetColumn, Workbook } from './workbook.ts'
export { workbookMediaType, workbookOf } from './workbook.ts'
