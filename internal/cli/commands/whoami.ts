import type { Result } from '../../fault/result.ts';
import { ok } from '../../fault/result.ts';
import { reportRefusal } from '../accounts/report-refusal.ts';
import type { StoreRefusal } from '../accounts/account-store.ts';
import { environmentToken } from '../client/cached-token.ts';
import { findContext, requireContext } from '../client/edit-contexts.ts';
import { claimsOf } from '../client/granted.ts';
import { readSession } from '../client/refresh.ts';
import { openVault } from '../client/vault.ts';
import { minute } from '../keys/print-key.ts';
import type { CliProcess } from '../process-env.ts';
import { exitCodes } from '../run.ts';
import { formatColumns, printable } from '../table.ts';

export interface WhoamiFlags {
  readonly context?: string;
  readonly json: boolean;
}

/** What commands work as; `null` where nothing tells. */
interface Identity {
  readonly context: string | null;
  readonly server: string | null;
  readonly subject: string | null;
  readonly label: string | null;
  readonly organization: string | null;
  readonly credential: 'login' | 'key' | 'environment';
  readonly scopes: readonly string[] | null;
  readonly access_token_expires_at: string | null;
  readonly renews: boolean;
  readonly store: 'file' | 'keychain' | 'environment';
}

/** Says as whom commands work, and where. Asks nobody: what was granted stands with the tokens. */
export async function showIdentity(cli: CliProcess, flags: WhoamiFlags): Promise<number> {
  const identity = await findIdentity(cli, flags);
  if (!identity.ok) return reportRefusal(cli, flags.json, identity.error);
  cli.stdout.write(flags.json ? `${JSON.stringify(identity.value)}\n` : render(identity.value));
  return exitCodes.ok;
}

const orNull = (text: string): string | null => (text === '' ? null : text);

async function findIdentity(cli: CliProcess, flags: WhoamiFlags): Promise<Result<Identity, StoreRefusal>> {
  const token = environmentToken(cli);
  if (token !== undefined) return ok(describeToken(cli, flags, token));
  const context = requireContext(cli, flags.context);
  if (!context.ok) return context;
  const { name, server, credential, store, subject, label, organization } = context.value;
  const common = { context: name, server, subject: orNull(subject), label: orNull(label), organization: orNull(organization), store };
  if (credential === 'key') return ok({ ...common, credential, scopes: null, access_token_expires_at: null, renews: false });
  const vault = await openVault(cli, store);
  if (!vault.ok) return vault;
  const session = await readSession(vault.value, context.value);
  if (!session.ok) return session;
  const { scope, expiresAtMs, refreshToken } = session.value;
  return ok({ ...common, credential: 'login', scopes: scope.split(' ').filter((each) => each !== ''), access_token_expires_at: new Date(expiresAtMs).toISOString(), renews: refreshToken !== '' });
}

/** A token of ours says what it is; nobody has checked that here. */
function describeToken(cli: CliProcess, flags: WhoamiFlags, token: string): Identity {
  const claims = claimsOf(token);
  const text = (name: string): string | null => {
    const value = claims[name];
    return typeof value === 'string' ? orNull(value) : null;
  };
  const context = findContext(cli, flags.context);
  const { exp } = claims;
  return {
    context: null,
    server: text('iss')?.replace(/\/oauth\/?$/, '') ?? (context.ok ? (context.value?.server ?? null) : null),
    subject: text('sub'),
    label: text('email'),
    organization: text('org'),
    credential: 'environment',
    scopes: text('scope')?.split(' ') ?? null,
    access_token_expires_at: typeof exp === 'number' && Math.abs(exp) < 8.64e12 ? new Date(exp * 1_000).toISOString() : null,
    renews: false,
    store: 'environment',
  };
}

const kinds: Readonly<Record<Identity['credential'], string>> = {
  login: 'login, its tokens bound to a key of this machine',
  key: 'client key, as `keyward config init` took it',
  environment: 'KEYWARD_API_TOKEN, which goes over every context',
};

function render(identity: Identity): string {
  const unknown = '–';
  const ends = identity.access_token_expires_at;
  const rows = [
    ['who', identity.label ?? identity.subject ?? unknown],
    ['organization', identity.organization ?? unknown],
    ['server', identity.server ?? unknown],
    ['context', identity.context ?? unknown],
    ['credential', kinds[identity.credential]],
    ['scopes', identity.scopes?.join(' ') ?? unknown],
    ['access token', ends === null ? unknown : `until ${minute(ends)}${identity.renews ? ', renewed by itself' : ''}`],
  ];
  return formatColumns(rows.map(([name = '', value = '']) => [name, printable(value)]));
}
