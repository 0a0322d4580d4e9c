/** What the log says of one settled exchange. No query, no header, no key. */
export interface AccessLine {
  readonly requestId: string;
  readonly method: string;
  /** The path as sent, without query. */
  readonly path: string;
  readonly status: number;
  /** `ok`, or the error code, `client_closed`, `stream_truncated`. */
  readonly outcome: string;
  /** Address of the peer. */
  readonly peer: string;
  /** Principal id; empty when the door refused. */
  readonly client: string;
  /** Account id, empty when none was reached. */
  readonly account: string;
  readonly model: string;
  readonly attempts: number;
  readonly latencyMs: number;
  readonly firstByteMs: number;
  readonly inputTokens: number;
  readonly outputTokens: number;
}

const plainText = /^[\w ./:@+,=()*-]*$/;
const maxTextLength = 512;

/** The line as JSON with its break. Written by hand: at one line an exchange, the general path costs three times as much. */
export function encodeAccessLine(line: AccessLine, severity: number, atMs: number): string {
  return `{"level":${severity},"time":${atMs},"access":true,"requestId":${text(line.requestId)},"method":${text(line.method)},"path":${text(line.path)},"status":${line.status},"outcome":${text(line.outcome)},"peer":${text(line.peer)},"client":${text(line.client)},"account":${text(line.account)},"model":${text(line.model)},"attempts":${line.attempts},"latencyMs":${tenths(line.latencyMs)},"firstByteMs":${tenths(line.firstByteMs)},"inputTokens":${line.inputTokens},"outputTokens":${line.outputTokens},"msg":"exchange"}\n`;
}

function text(value: string): string {
  if (value.length > maxTextLength) return JSON.stringify(`${value.slice(0, maxTextLength)}…`);
  return plainText.test(value) ? `"${value}"` : JSON.stringify(value);
}

function tenths(ms: number): number {
  return Math.round(ms * 10) / 10;
}
