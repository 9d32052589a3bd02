import type { Paging } from '../dataset.ts'

/** How IAM pages: it says apart from the marker whether more follows. */
export const iamPaging: Paging = {
  size: 'MaxItems',
  token: 'Marker',
  next: 'Marker',
  isCutOff: answer => answer.IsTruncated === true,
}
