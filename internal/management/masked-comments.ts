import { maskSecret } from '../secret/secret.ts';

/** `# api-key: "sk-…"`: a setting that was switched off still holds its secret. List items of long keys count too. */
const commentedSecret = /^(\s*#.*?(?:key|keys|secret|token|password|authorization)["']?\s*:\s*|\s*#[\s#]*-\s+(?=\S{16})(?=\S*\d)(?!\S*:\/\/))(["']?)([^\s"'#,{}[\]]{8,})\2/i;

/** Masks what whole-line comments say of keys; a comment behind a value is left as it is. */
export function maskComments(text: string): string {
  return mapLines(text, maskLine);
}

/** Comment lines that are masks of stored ones become those again, in their order. */
export function restoreComments(text: string, stored: string): string {
  const originals = new Map<string, string[]>();
  mapLines(stored, (line) => {
    const masked = maskLine(line);
    if (masked !== line) originals.set(masked, [...(originals.get(masked) ?? []), line]);
    return line;
  });
  return mapLines(text, (line) => {
    const lines = originals.get(line);
    return (lines !== undefined && lines.length > 1 ? lines.shift() : lines?.[0]) ?? line;
  });
}

function maskLine(line: string): string {
  return line.replace(commentedSecret, (_whole, before: string, quote: string, secret: string) => `${before}${quote}${maskSecret(secret)}${quote}`);
}

function mapLines(text: string, change: (line: string) => string): string {
  return text.split('\n').map((line) => (line.endsWith('\r') ? `${change(line.slice(0, -1))}\r` : change(line))).join('\n');
}
