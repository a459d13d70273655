/** How an e-mail address is stored and compared: trimmed, in lower case, composed. */
export function normalizeEmail(email: string): string {
  return email.trim().normalize('NFC').toLowerCase()
}
