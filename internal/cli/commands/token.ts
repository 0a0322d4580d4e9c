import { err, ok, type Result } from '../../fault/result.ts';
import type { StoreRefusal } from '../accounts/account-store.ts';
import { reportRefusal } from '../accounts/report-refusal.ts';
import { obtainBearer } from '../client/bearer-token.ts';
import { decodeKey, environmentToken } from '../client/cached-token.ts';
import type { NamedContext } from '../client/contexts.ts';
import { requireContext } from '../client/edit-contexts.ts';
import { useLogin } from '../client/login-use.ts';
import { openVault } from '../client/vault.ts';
import type { CliProcess } from '../process-env.ts';
import { exitCodes } from '../run.ts';

export interface TokenFlags {
  readonly context?: string;
}

/** Prints a bearer credential and nothing else; refusals go to standard error. */
export async function printToken(cli: CliProcess, flags: TokenFlags): Promise<number> {
  const token = await findToken(cli, flags);
  if (!token.ok) return reportRefusal(cli, false, token.error);
  cli.stdout.write(`${token.value}\n`);
  return exitCodes.ok;
}

async function findToken(cli: CliProcess, flags: TokenFlags): Promise<Result<string, StoreRefusal>> {
  const given = environmentToken(cli);
  if (given !== undefined) return ok(given);
  const context = requireContext(cli, flags.context);
  if (!context.ok) return context;
  return context.value.credential === 'key' ? readKey(cli, context.value) : useLogin(cli, context.value, obtainBearer);
}

/** The client key of a context. Errors: `keychain_unavailable`, `not_logged_in`, `storage_unreadable`. */
export async function readKey(cli: CliProcess, context: NamedContext): Promise<Result<string, StoreRefusal>> {
  const vault = await openVault(cli, context.store);
  if (!vault.ok) return vault;
  const text = await vault.value.read(context.name, 'key');
  if (!text.ok) return text;
  const key = text.value === undefined ? undefined : decodeKey(text.value);
  return key === undefined ? err({ code: 'not_logged_in', message: `The key of context ${context.name} is gone; run \`keyward config init --context ${context.name}\`.` }) : ok(key);
}
