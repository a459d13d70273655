import { AshevilleError, kindOf } from '@asheville/core'

/** Errno of a failed system call; null for anything else. https://man7.org/linux/man-pages/man3/errno.3.html */
export function codeOf(error: unknown): string | null {
  const { code } = Object(error) as { code?: unknown }
  return typeof code === 'string' ? code : null
}

/** Nothing is there: no such file, or a file where a directory should be. */
export function isAbsent(error: unknown): boolean {
  const code = codeOf(error)
  return code === 'ENOENT' || code === 'ENOTDIR'
}

/** A failed system call as one of our kinds; the person's paths stay out of the message. */
export function translateError(error: unknown): AshevilleError {
  if (error instanceof AshevilleError) return error
  const code = codeOf(error)
  if (kindOf(error) === 'cancelled' || code === 'ABORT_ERR') return new AshevilleError('cancelled', 'Cancelled', { cause: error })
  switch (code) {
    case 'ENOSPC':
    case 'EDQUOT':
      return new AshevilleError('storage-full', 'This server’s disk is full', { cause: error })
    case 'ENAMETOOLONG':
    case 'EINVAL':
    case 'EILSEQ':
    case 'EISDIR':
    case 'ENOTDIR':
    case 'ELOOP':
      return new AshevilleError('invalid', `This server’s disk cannot hold a file of that name (${code})`, { cause: error })
    case 'EXDEV':
      return new AshevilleError('invalid', 'A part of the storage folder lies on another file system; it must be on one', { cause: error })
    case 'EACCES':
    case 'EPERM':
    case 'EROFS':
      return new AshevilleError('unavailable', `Asheville may not write to the storage folder on this server (${code})`, { cause: error })
    case null:
      return new AshevilleError('unexpected', 'The storage on this server’s disk failed', { cause: error })
    default:
      return new AshevilleError('unavailable', `This server’s disk does not work as it should (${code})`, { cause: error })
  }
}
