/** Headers that belong to the connection and its messages: a request that also has its account's cannot be sent. */
const framing: ReadonlySet<string> = new Set(['connection', 'content-length', 'expect', 'keep-alive', 'te', 'trailer', 'transfer-encoding', 'upgrade']);

/** Whether a header, in any case, is Keyward's alone to set (RFC 9110 §7.6.1, RFC 9112 §6). `host` is not among them. */
export function isFramingHeader(name: string): boolean {
  return framing.has(name.toLowerCase());
}
