import { reportRefusal } from '../accounts/report-refusal.ts';
import { isRecord } from '../control.ts';
import { askKeys, textOf, type KeyAnswer, type KeysFlags } from '../keys/ask-keys.ts';
import { findKey } from '../keys/find-key.ts';
import { endOf, type KeyFlags } from '../keys/key-flags.ts';
import { minute, printMadeKey } from '../keys/print-key.ts';
import type { CliProcess } from '../process-env.ts';
import { exitCodes } from '../run.ts';

export interface KeysRotateFlags extends KeysFlags, Pick<KeyFlags, 'expires' | 'neverExpires'> {
  readonly overlap?: string;
}

/** Gives a key a new text and prints it; the old one is good until the overlap ends. */
export async function rotateKey(cli: CliProcess, named: string, flags: KeysRotateFlags): Promise<number> {
  const key = await findKey(cli, flags, named);
  if (!key.ok) return reportRefusal(cli, flags.json, key.error);
  const body = { ...endOf(flags), ...(flags.overlap === undefined ? {} : { overlap: flags.overlap }) };
  const rotated = await askKeys(cli, flags, `/${encodeURIComponent(textOf(key.value, 'id'))}/rotate`, { method: 'POST', body });
  if (!rotated.ok) return reportRefusal(cli, flags.json, rotated.error);
  printMadeKey(cli, flags.json, rotated.value, [describeReplaced(rotated.value)]);
  return exitCodes.ok;
}

function describeReplaced({ replaced }: KeyAnswer): string {
  if (!isRecord(replaced)) return 'The old text is refused from now on.';
  return `The old text, ${textOf(replaced, 'hint')}, is good until ${minute(textOf(replaced, 'ends_at'))}; \`keyward keys show\` tells when it was last used.`;
}
