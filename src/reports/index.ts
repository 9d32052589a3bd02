export type { ControlSection, OutcomeSection, ResultRow } from './control-section.ts'
export type { Cell } from './csv.ts'
export { csvMediaType, csvOf } from './csv.ts'
export { frameworkReportPdf } from './framework-report-pdf.ts'
export type {
  FrameworkReportInput,
  FrameworkReportView,
  RequirementOutcome,
  RequirementSection,
} from './framework-report-view.ts'
export { frameworkReportView } from './framework-report-view.ts'
export type { HomeInput, HomeView } from './home-view.ts'
export { homeView } from './home-view.ts'
export type { OperationCalls } from './operation-calls.ts'
export { countCalls } from './operation-calls.ts'
export type { ReadDataset } from './population-artifacts.ts'
export { populationArtifacts } from './population-artifacts.ts'
export { populationWorkbook } from './population-workbook.ts'
export type { ErrorView, Page } from './render-page.ts'
export { renderPage } from './render-page.ts'
export type { ReportFormat } from './render-report.ts'
export { renderReport, reportArtifact } from './render-report.ts'
export { reportWorkbook } from './report-workbook.ts'
export type { ReportsCode } from './reports-error.ts'
export { ReportsError } from './reports-error.ts'
export { resultColumns, resultsArtifact } from './results-artifact.ts'
export { snapshotArtifact } from './snapshot-artifact.ts'
export type { Sheet, SheetColumn, Workbook } from './workbook.ts'
export { workbookMediaType, workbookOf } from './workbook.ts'
