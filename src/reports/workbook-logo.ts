import type { Look } from './look.ts'

/** Files that put a picture on the first sheet of a workbook, by their paths in it. */
export interface LogoParts {
  readonly files: readonly (readonly [path: string, content: string | Uint8Array])[]
  /** for the content types */
  readonly extension: 'png' | 'jpeg'
  readonly mediaType: string
}

const head = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'
const office = 'http://schemas.openxmlformats.org/officeDocument/2006/relationships'
const packageRelationships = 'http://schemas.openxmlformats.org/package/2006/relationships'
const drawing = 'http://schemas.openxmlformats.org/drawingml/2006'
/** English Metric Units in one pixel of a screen. */
const unitsPerPixel = 9525
const box = { width: 200, height: 60 }

/** The logo to the right of the cover's two columns, no larger than 200 × 60 pixels. @see ECMA-376 part 1, 20.5 */
export function logoParts({ bytes, mediaType }: NonNullable<Look['logo']>): LogoParts {
  const extension = mediaType === 'image/png' ? 'png' : 'jpeg'
  const size = sizeOf(bytes, mediaType)
  const scale = Math.min(1, box.width / size.width, box.height / size.height)
  const [cx, cy] = [size.width, size.height].map(pixels => Math.max(1, Math.round(pixels * scale)) * unitsPerPixel)
  return {
    extension,
    mediaType,
    files: [
      [`xl/media/logo.${extension}`, bytes],
      [
        'xl/drawings/drawing1.xml',
        `${head}<xdr:wsDr xmlns:xdr="${drawing}/spreadsheetDrawing" xmlns:a="${drawing}/main"><xdr:oneCellAnchor><xdr:from><xdr:col>2</xdr:col><xdr:colOff>0</xdr:colOff><xdr:row>0</xdr:row><xdr:rowOff>0</xdr:rowOff></xdr:from><xdr:ext cx="${cx}" cy="${cy}"/><xdr:pic><xdr:nvPicPr><xdr:cNvPr id="1" name="Logo" descr="Logo"/><xdr:cNvPicPr/></xdr:nvPicPr><xdr:blipFill><a:blip xmlns:r="${office}" r:embed="rId1"/><a:stretch><a:fillRect/></a:stretch></xdr:blipFill><xdr:spPr><a:xfrm><a:off x="0" y="0"/><a:ext cx="${cx}" cy="${cy}"/></a:xfrm><a:prstGeom prst="rect"><a:avLst/></a:prstGeom></xdr:spPr></xdr:pic><xdr:clientData/></xdr:oneCellAnchor></xdr:wsDr>`,
      ],
      ['xl/drawings/_rels/drawing1.xml.rels', relationship('image', `../media/logo.${extension}`)],
      ['xl/worksheets/_rels/sheet1.xml.rels', relationship('drawing', '../drawings/drawing1.xml')],
    ],
  }
}

function relationship(type: string, target: string): string {
  return `${head}<Relationships xmlns="${packageRelationships}"><Relationship Id="rId1" Type="${office}/${type}" Target="${target}"/></Relationships>`
}

/** In pixels, as the picture's own header says. One that says nothing that can be read gets the whole box. */
function sizeOf(bytes: Buffer, mediaType: string): { readonly width: number; readonly height: number } {
  const found = mediaType === 'image/png' ? pngSize(bytes) : jpegSize(bytes)
  return found === null || found.width === 0 || found.height === 0 ? box : found
}

function pngSize(bytes: Buffer) {
  return bytes.length < 24 ? null : { width: bytes.readUInt32BE(16), height: bytes.readUInt32BE(20) }
}

/** The first frame header among the segments. @see ITU-T T.81, B.2.2 */
function jpegSize(bytes: Buffer) {
  for (let at = 2; at + 9 < bytes.length && bytes[at] === 0xff; at += 2 + bytes.readUInt16BE(at + 2)) {
    const marker = bytes[at + 1]!
    const isFrame = marker >= 0xc0 && marker <= 0xcf && ![0xc4, 0xc8, 0xcc].includes(marker)
    if (isFrame) return { width: bytes.readUInt16BE(at + 7), height: bytes.readUInt16BE(at + 5) }
  }
  return null
}
