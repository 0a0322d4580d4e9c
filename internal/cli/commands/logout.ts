import { reportRefusal } from '../accounts/report-refusal.ts';
import { environmentToken } from '../client/cached-token.ts';
import { requireContext } from '../client/edit-contexts.ts';
import { forgetCredential, type Ending } from '../client/forget.ts';
import type { NamedContext } from '../client/contexts.ts';
import type { CliProcess } from '../process-env.ts';
import { exitCodes } from '../run.ts';
import { printable } from '../table.ts';

export interface LogoutFlags {
  readonly context?: string;
  readonly json: boolean;
}

/** Ends a login at its server and forgets it; forgets it also where the server is away, and then says so with exit code 1. */
export async function logOut(cli: CliProcess, flags: LogoutFlags): Promise<number> {
  const context = requireContext(cli, flags.context);
  if (!context.ok) return reportRefusal(cli, flags.json, context.error);
  const forgotten = await forgetCredential(cli, context.value, false);
  if (!forgotten.ok) return reportRefusal(cli, flags.json, forgotten.error);
  return reportForgotten(cli, flags.json, context.value, forgotten.value, `Context ${context.value.name} stays, logged out.`);
}

export function reportForgotten(cli: CliProcess, isJson: boolean, context: NamedContext, ending: Ending, more: string): number {
  const exitCode = ending.kind === 'failed' ? exitCodes.failed : exitCodes.ok;
  if (isJson) {
    cli.stdout.write(`${JSON.stringify({ status: 'ok', context: context.name, server: context.server, at_server: ending.kind, ...(ending.kind === 'failed' ? { detail: ending.detail } : {}) })}\n`);
    return exitCode;
  }
  cli.stdout.write(`${describe(context, ending)} ${more}\n`);
  if (ending.kind === 'failed') cli.stderr.write(`keyward: ${context.server} did not end the login: ${printable(ending.detail)}. Its tokens are gone from this machine, and stay good there until they end; \`keyward sessions revoke\` on the server ends them now.\n`);
  if (environmentToken(cli) !== undefined) cli.stderr.write('keyward: KEYWARD_API_TOKEN is still set and goes over every context; unset it too\n');
  return exitCode;
}

function describe({ server, label, credential }: NamedContext, ending: Ending): string {
  const who = label === '' ? '' : ` (${printable(label)})`;
  if (ending.kind === 'ended') return `Logged out of ${server}${who}: its tokens are no longer good anywhere.`;
  if (credential === 'key') return `The key for ${server} is forgotten here; it stays good there until it is revoked.`;
  return `Logged out of ${server}${who}.`;
}
