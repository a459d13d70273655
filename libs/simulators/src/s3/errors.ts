import { escapeXml, type Answer } from '../kit/index.ts'

/** An answer that ends a request: https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html */
export class Refusal extends Error {
  readonly answer: Answer
  constructor(status: number, code: string, message: string, more: Record<string, string> = {}) {
    super(code)
    this.answer = errorAnswer(status, code, message, more)
  }
}

export function errorAnswer(status: number, code: string, message: string, more: Record<string, string> = {}): Answer {
  const fields = Object.entries({ Code: code, Message: message, ...more, RequestId: '4442587FB7D0A2F9' })
  const inside = fields.map(([name, value]) => `<${name}>${escapeXml(value)}</${name}>`).join('')
  return xmlAnswer(`<Error>${inside}</Error>`, status)
}

export function xmlAnswer(root: string, status = 200, headers: Record<string, string> = {}): Answer {
  return {
    status,
    bytes: Buffer.from(`<?xml version="1.0" encoding="UTF-8"?>\n${root}`),
    headers: { 'content-type': 'application/xml', ...headers },
  }
}
