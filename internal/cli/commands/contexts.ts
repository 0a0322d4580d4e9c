import { err, ok } from '../../fault/result.ts';
import { reportRefusal } from '../accounts/report-refusal.ts';
import { readContexts } from '../client/contexts.ts';
import { editContexts, findContext } from '../client/edit-contexts.ts';
import { forgetCredential } from '../client/forget.ts';
import type { CliProcess } from '../process-env.ts';
import { exitCodes } from '../run.ts';
import { formatColumns } from '../table.ts';
import { reportForgotten } from './logout.ts';

export interface ContextsFlags {
  readonly json: boolean;
}

const heads = ['', 'name', 'server', 'who', 'organization', 'credential'];

/** Lists servers and logins, the current one marked. */
export function listContexts(cli: CliProcess, flags: ContextsFlags): number {
  const contexts = readContexts(cli);
  if (!contexts.ok) return reportRefusal(cli, flags.json, { code: 'storage_unreadable', message: contexts.error });
  const { current, all } = contexts.value;
  if (flags.json) cli.stdout.write(`${JSON.stringify({ current: current === '' ? null : current, contexts: [...all].map(([name, { server, credential, store, subject, label, organization }]) => ({ name, server, credential, store, subject, label, organization })) })}\n`);
  else if (all.size === 0) cli.stdout.write('There are no contexts yet; `keyward login` makes one.\n');
  else cli.stdout.write(formatColumns([heads, ...[...all].map(([name, context]) => [name === current ? '*' : '', name, context.server, context.label || '–', context.organization || '–', context.credential === 'none' ? 'logged out' : context.credential])]));
  return exitCodes.ok;
}

/** Makes a context the one that commands use. */
export async function selectContext(cli: CliProcess, name: string, flags: ContextsFlags): Promise<number> {
  const used = await editContexts(cli, ({ all }) => {
    const context = all.get(name);
    if (context === undefined) return err({ code: 'item_not_found', message: `There is no context ${name}; \`keyward contexts list\` shows what there is.` });
    return ok({ contexts: { current: name, all }, value: context });
  });
  if (!used.ok) return reportRefusal(cli, flags.json, used.error);
  const { server, credential } = used.value;
  if (flags.json) cli.stdout.write(`${JSON.stringify({ status: 'ok', current: name, server })}\n`);
  else cli.stdout.write(`Commands now use ${name} (${server})${credential === 'none' ? `, which is logged out; \`keyward login --context ${name}\` logs in` : ''}.\n`);
  return exitCodes.ok;
}

/** Ends a context's login at its server and forgets both. */
export async function removeContext(cli: CliProcess, name: string, flags: ContextsFlags): Promise<number> {
  const context = findContext(cli, name);
  if (!context.ok || context.value === undefined) return reportRefusal(cli, flags.json, context.ok ? { code: 'item_not_found', message: `There is no context ${name}.` } : context.error);
  const forgotten = await forgetCredential(cli, context.value, true);
  if (!forgotten.ok) return reportRefusal(cli, flags.json, forgotten.error);
  return reportForgotten(cli, flags.json, context.value, forgotten.value, `Context ${name} is removed.`);
}
