import type { CliProcess } from '../process-env.ts';
import { renderJson } from '../render.ts';
import { printable } from '../table.ts';
import { textOf, type KeyAnswer } from './ask-keys.ts';

/**
 * A key with its text: the text alone on standard output, for a variable or a pipe, all else on standard error. With `--json`
 * the daemon's answer, which holds both.
 */
export function printMadeKey(cli: CliProcess, isJson: boolean, answer: KeyAnswer, more: readonly string[]): void {
  if (isJson) {
    cli.stdout.write(`${JSON.stringify(answer)}\n`);
    return;
  }
  const { notes } = answer;
  const ends = textOf(answer, 'expires_at');
  cli.stderr.write(`${printable(textOf(answer, 'name'))} (${printable(textOf(answer, 'id'))}) ${ends === '' ? 'never expires' : `is good until ${minute(ends)}`}. This is the only time its text is shown:\n`);
  cli.stdout.write(`${textOf(answer, 'key')}\n`);
  for (const line of [...more, ...(Array.isArray(notes) ? notes.filter((note) => typeof note === 'string') : [])]) cli.stderr.write(`${printable(line)}\n`);
}

export function printKey(cli: CliProcess, isJson: boolean, key: KeyAnswer): void {
  cli.stdout.write(isJson ? `${JSON.stringify(key)}\n` : renderJson(key));
}

/** `2026-11-28 12:00Z`; other text as it is. */
export function minute(time: string): string {
  const at = Date.parse(time);
  return Number.isNaN(at) ? time : `${new Date(at).toISOString().slice(0, 16).replace('T', ' ')}Z`;
}
