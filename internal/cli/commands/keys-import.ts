import { reportRefusal } from '../accounts/report-refusal.ts';
import { askKeys, recordsOf, textOf, type KeysFlags } from '../keys/ask-keys.ts';
import { bodyOf, type KeyFlags } from '../keys/key-flags.ts';
import type { CliProcess } from '../process-env.ts';
import { exitCodes } from '../run.ts';
import { printable } from '../table.ts';

export interface KeysImportFlags extends KeysFlags, KeyFlags {
  readonly name?: string;
  readonly keep: boolean;
}

/** Makes managed keys of keys that exist: of all in `api-keys`, or with `-` of one from standard input. Their holders notice nothing. */
export async function importKeys(cli: CliProcess, source: string | undefined, flags: KeysImportFlags): Promise<number> {
  const { name } = flags;
  if (source !== undefined && source !== '-') return reportRefusal(cli, flags.json, { code: 'invalid_request', message: 'A key does not belong on the command line, where others can see it: pass `-` and give it on standard input.' });
  const from = source === '-' ? { key: (await cli.readStdin()).trim(), name: name ?? 'imported' } : { from: 'api-keys', keep: flags.keep, ...(name === undefined ? {} : { name }) };
  const imported = await askKeys(cli, flags, '/import', { method: 'POST', body: { ...bodyOf(flags), ...from } });
  if (!imported.ok) return reportRefusal(cli, flags.json, imported.error);
  if (flags.json) {
    cli.stdout.write(`${JSON.stringify(imported.value)}\n`);
    return exitCodes.ok;
  }
  for (const key of recordsOf(imported.value, 'imported')) cli.stdout.write(`Imported ${printable(textOf(key, 'hint'))} as ${printable(textOf(key, 'name'))} (${printable(textOf(key, 'id'))}).\n`);
  for (const key of recordsOf(imported.value, 'skipped')) cli.stderr.write(`keyward: ${printable(textOf(key, 'id'))} was left out: ${printable(textOf(key, 'message'))}\n`);
  const { notes } = imported.value;
  for (const note of Array.isArray(notes) ? notes : []) cli.stderr.write(`${printable(String(note))}\n`);
  return exitCodes.ok;
}
