/** What a file's first bytes say it is. From the formats' own specifications; only what people's media really are. */
const signatures: readonly { mediaType: string; at?: number; bytes: string }[] = [
  { mediaType: 'image/jpeg', bytes: 'ffd8ff' },
  { mediaType: 'image/png', bytes: '89504e470d0a1a0a' },
  { mediaType: 'image/gif', bytes: '474946383761' },
  { mediaType: 'image/gif', bytes: '474946383961' },
  { mediaType: 'image/webp', at: 8, bytes: '57454250' },
  { mediaType: 'image/bmp', bytes: '424d' },
  { mediaType: 'image/tiff', bytes: '49492a00' },
  { mediaType: 'image/tiff', bytes: '4d4d002a' },
  { mediaType: 'audio/wav', at: 8, bytes: '57415645' },
  { mediaType: 'audio/ogg', bytes: '4f676753' },
  { mediaType: 'audio/flac', bytes: '664c6143' },
  { mediaType: 'audio/mpeg', bytes: '494433' },
  { mediaType: 'audio/mpeg', bytes: 'fffb' },
  { mediaType: 'audio/mpeg', bytes: 'fff3' },
  { mediaType: 'video/webm', bytes: '1a45dfa3' },
  { mediaType: 'application/pdf', bytes: '255044462d' },
  { mediaType: 'application/zip', bytes: '504b0304' },
]

/** Major brands of ISO base media files (ISO/IEC 14496-12): pictures and sound come in the same box as films. */
const brands: Readonly<Record<string, string>> = {
  avif: 'image/avif',
  avis: 'image/avif',
  heic: 'image/heic',
  heix: 'image/heic',
  mif1: 'image/heif',
  msf1: 'image/heif',
  'M4A ': 'audio/mp4',
  'M4B ': 'audio/mp4',
  'qt  ': 'video/quicktime',
}

const extensions: Readonly<Record<string, string>> = {
  'image/jpeg': 'jpg',
  'image/png': 'png',
  'image/gif': 'gif',
  'image/webp': 'webp',
  'image/bmp': 'bmp',
  'image/tiff': 'tif',
  'image/avif': 'avif',
  'image/heic': 'heic',
  'image/heif': 'heif',
  'image/svg+xml': 'svg',
  'audio/wav': 'wav',
  'audio/ogg': 'ogg',
  'audio/flac': 'flac',
  'audio/mpeg': 'mp3',
  'audio/mp4': 'm4a',
  'audio/aac': 'aac',
  'video/mp4': 'mp4',
  'video/quicktime': 'mov',
  'video/webm': 'webm',
  'video/ogg': 'ogv',
  'application/pdf': 'pdf',
  'application/zip': 'zip',
  'application/vnd.apple.mpegurl': 'm3u8',
  'text/vtt': 'vtt',
  'text/plain': 'txt',
}

/**
 * The media type of a file.
 *
 * @param head its first bytes, 16 at least where there are as many
 * @param declared what the network says, which counts where the bytes say nothing; anything odd is `application/octet-stream`
 */
export function mediaTypeOf(head: Uint8Array, declared: string | undefined): string {
  const bytes = Buffer.from(head.subarray(0, 32))
  if (bytes.toString('latin1', 4, 8) === 'ftyp') return brands[bytes.toString('latin1', 8, 12)] ?? 'video/mp4'
  const hex = bytes.toString('hex')
  const found = signatures.find((signature) => hex.startsWith(signature.bytes, (signature.at ?? 0) * 2))
  if (found && isPlausible(found.mediaType, bytes)) return refine(found.mediaType, declared)
  const [type = ''] = (declared ?? '').toLowerCase().split(';')
  return /^(image|audio|video|text|application)\/[a-z0-9][a-z0-9.+-]{0,80}$/.test(type.trim()) ? type.trim() : 'application/octet-stream'
}

/** RIFF holds both pictures and sound; a bitmap begins with two letters that any text may. */
function isPlausible(mediaType: string, bytes: Buffer): boolean {
  if (mediaType === 'image/webp' || mediaType === 'audio/wav') return bytes.toString('latin1', 0, 4) === 'RIFF'
  if (mediaType === 'image/bmp') return bytes.length >= 10 && bytes.readUInt32LE(6) === 0
  return true
}

/** Containers that hold more than one kind: the network knows better which, as long as it agrees on the container. */
function refine(found: string, declared: string | undefined): string {
  const alternatives: Readonly<Record<string, readonly string[]>> = {
    'audio/ogg': ['video/ogg', 'audio/opus'],
    'video/webm': ['audio/webm', 'video/x-matroska'],
  }
  return declared !== undefined && alternatives[found]?.includes(declared) ? declared : found
}

/** A file name's ending for a media type: letters and digits. */
export function extensionOf(mediaType: string): string {
  return extensions[mediaType] ?? 'bin'
}

/** Pictures that every browser shows and in which no script can run. */
export function isPlainImage(mediaType: string): boolean {
  return /^image\/(jpeg|png|gif|webp|avif|bmp)$/.test(mediaType)
}
