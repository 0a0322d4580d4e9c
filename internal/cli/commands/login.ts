import { ok, type Result } from '../../fault/result.ts';
import type { StoreRefusal } from '../accounts/account-store.ts';
import { openInBrowser } from '../accounts/browser.ts';
import { reportRefusal } from '../accounts/report-refusal.ts';
import { detectSurroundings, type Surroundings } from '../accounts/surroundings.ts';
import { chooseStore } from '../client/choose-store.ts';
import type { ClientContext } from '../client/contexts.ts';
import { findContext } from '../client/edit-contexts.ts';
import { logInByBrowser, logInByDevice, type LogInOptions } from '../client/log-in.ts';
import { discoverServer } from '../client/oauth-server.ts';
import { revokeSession } from '../client/revoke.ts';
import { defaultServer, parseServer } from '../client/server-address.ts';
import { openServerHttp } from '../client/server-http.ts';
import type { Session } from '../client/session.ts';
import { checkName, storeCredential, type StoredCredential } from '../client/store-credential.ts';
import type { Vault } from '../client/vault.ts';
import { minute } from '../keys/print-key.ts';
import type { CliProcess } from '../process-env.ts';
import { exitCodes } from '../run.ts';
import { printable } from '../table.ts';
import { listenForInterrupt } from './listen-for-interrupt.ts';

export interface LoginFlags {
  readonly server?: string;
  readonly scope?: string;
  readonly context?: string;
  readonly device: boolean;
  /** False with `--no-browser`. */
  readonly browser: boolean;
  readonly json: boolean;
}

/** What a login needs of the world beyond the process; tests hand in their own. */
export interface LoginWorld {
  readonly surroundings: Surroundings;
  readonly openBrowser: (address: string) => Promise<boolean>;
}

const realWorld = (cli: CliProcess): LoginWorld => ({ surroundings: detectSurroundings(cli), openBrowser: (address) => openInBrowser(cli.platform, address) });

/** Asked for where `--scope` names none; the server decides what of it a person gets. */
const usualScopes = 'models:use models:read';

/** Logs a person in at a Keyward and keeps the login as the current context. */
export async function logIn(cli: CliProcess, flags: LoginFlags, world: LoginWorld = realWorld(cli)): Promise<number> {
  const interrupted = listenForInterrupt(cli);
  try {
    const done = await attempt(cli, flags, world, interrupted.signal);
    if (!done.ok) return reportRefusal(cli, flags.json, done.error);
    report(cli, flags, done.value);
    return exitCodes.ok;
  } finally {
    interrupted.stop();
  }
}

interface Done extends StoredCredential {
  readonly server: string;
  readonly session: Session;
  readonly vault: Vault;
}

async function attempt(cli: CliProcess, flags: LoginFlags, world: LoginWorld, signal: AbortSignal): Promise<Result<Done, StoreRefusal>> {
  const server = serverOf(cli, flags);
  if (!server.ok) return server;
  // Before anybody is sent to a browser: a login that cannot be kept is not begun.
  const name = flags.context === undefined ? ok('') : checkName(flags.context);
  if (!name.ok) return name;
  const vault = await chooseStore(cli);
  if (!vault.ok) return vault;
  const { http, close } = openServerHttp(cli);
  try {
    const found = await discoverServer(server.value, { http, signal });
    if (!found.ok) return signal.aborted ? { ok: false, error: { code: 'cancelled', message: 'cancelled; nothing was stored' } } : found;
    const session = await (flags.device ? logInByDevice : logInByBrowser)(found.value, optionsOf(cli, flags, world, server.value, signal));
    if (!session.ok) return session;
    const context: ClientContext = { server: server.value, credential: 'login', store: vault.value.store, subject: session.value.subject, label: session.value.label, organization: session.value.organization };
    const stored = await storeCredential(cli, vault.value, context, flags.context, { session: session.value });
    if (!stored.ok) {
      // What cannot be kept must not stay good without anybody who could end it.
      await revokeSession(http, session.value);
      return stored;
    }
    if (stored.value.replaced !== undefined) await revokeSession(http, stored.value.replaced);
    return ok({ ...stored.value, server: server.value, session: session.value, vault: vault.value });
  } finally {
    await close();
  }
}

function serverOf(cli: CliProcess, flags: LoginFlags): Result<string, StoreRefusal> {
  if (flags.server !== undefined) return parseServer(flags.server);
  const context = findContext(cli, flags.context);
  // A context that is still to be made.
  if (!context.ok) return context.error.code === 'item_not_found' ? ok(defaultServer) : context;
  return ok(context.value?.server ?? defaultServer);
}

function optionsOf(cli: CliProcess, flags: LoginFlags, { surroundings, openBrowser }: LoginWorld, server: string, signal: AbortSignal): LogInOptions {
  const { ssh, isContainer, hasDisplay } = surroundings;
  const mayOpen = flags.browser && hasDisplay && ssh === undefined && !isContainer;
  const scope = [...new Set(['openid', 'profile', 'email', ...(flags.scope ?? usualScopes).split(/[\s,]+/).filter((each) => each !== '')])].join(' ');
  const where = ssh !== undefined ? 'This is an SSH session' : isContainer ? 'This is a container' : 'There is no screen here';
  const hint = mayOpen || (!flags.browser && ssh === undefined && !isContainer) ? '' : `${where}: a browser on another machine cannot come back to it.\nThere, use \`keyward login --device\` instead (Ctrl-C first).\n\n`;
  return { server, scope, signal, hint, progress: flags.json ? cli.stderr : cli.stdout, openBrowser: (address) => (mayOpen ? openBrowser(address) : Promise.resolve(false)) };
}

function report(cli: CliProcess, flags: LoginFlags, { server, session, context, vault }: Done): void {
  const { subject, label, organization, scope, expiresAtMs } = session;
  if (flags.json) {
    cli.stdout.write(`${JSON.stringify({ status: 'ok', context, server, subject, label, organization: organization === '' ? null : organization, scopes: scope.split(' ').filter((each) => each !== ''), access_token_expires_at: new Date(expiresAtMs).toISOString(), store: vault.store })}\n`);
    return;
  }
  const who = `${printable(label) || 'you'}${organization === '' ? '' : ` of ${printable(organization)}`}`;
  const kept = vault.store === 'keychain' ? 'sealed by a key in the keychain of this system' : 'in a file that only you can read';
  cli.stdout.write(`\nLogged in at ${server} as ${who}.\nContext ${context} is the current one. Its tokens are kept ${kept}; the access token ends ${minute(new Date(expiresAtMs).toISOString())}${session.refreshToken === '' ? ', and the server gave nothing to renew it by' : ' and is renewed by itself'}.\n\nUse it:\n  keyward run -- <command>    starts any tool with a key of its own\n  keyward token               prints a token, for tools that ask a helper\n`);
}
