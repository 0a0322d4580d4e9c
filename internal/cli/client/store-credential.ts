import { systemClock } from '../../clock/clock.ts';
import { err, ok, type Result } from '../../fault/result.ts';
import { Secret } from '../../secret/secret.ts';
import { emptyLedger } from '../../tokens/ledger.ts';
import { digestOf } from '../../tokens/newest.ts';
import type { StoreRefusal } from '../accounts/account-store.ts';
import type { CliProcess } from '../process-env.ts';
import { isContextName, readContexts, type ClientContext, type Contexts } from './contexts.ts';
import { editContexts } from './edit-contexts.ts';
import { holdSignals } from './hold-signals.ts';
import { openState, readSession } from './refresh.ts';
import { contextNameOf } from './server-address.ts';
import { lockContext } from './session-lock.ts';
import { encodeSession, type Session } from './session.ts';
import { openVault, type Vault } from './vault.ts';

export interface StoredCredential {
  readonly context: string;
  /** The login that this one took the place of, still good at its server. */
  readonly replaced: Session | undefined;
}

/** Where a credential goes to: what `--context` names, else the context of this server and person, else a new one. Error: `invalid_request`. */
export function chooseName(contexts: Contexts, flag: string | undefined, credential: ClientContext): Result<string, StoreRefusal> {
  if (flag !== undefined) return checkName(flag);
  const isSame = (context: ClientContext | undefined): boolean => {
    if (context === undefined || context.server !== credential.server) return false;
    if (context.credential === 'none') return true;
    return context.credential === credential.credential && context.subject === credential.subject && context.organization === credential.organization;
  };
  if (isSame(contexts.all.get(contexts.current))) return ok(contexts.current);
  const [known] = [...contexts.all].filter(([, context]) => isSame(context)).map(([name]) => name);
  if (known !== undefined) return ok(known);
  const base = contextNameOf(credential.server);
  for (let count = 1; ; count++) {
    const name = count === 1 ? base : `${base}-${count}`;
    if (!contexts.all.has(name)) return ok(name);
  }
}

/** Error: `invalid_request`. */
export function checkName(name: string): Result<string, StoreRefusal> {
  if (isContextName(name)) return ok(name);
  return err({ code: 'invalid_request', message: 'The name of a context is up to 64 lower-case letters, digits, dots, dashes and underscores, and begins with a letter or digit.' });
}

/** Keeps a login, or a client key, and makes its context the current one. Errors: `storage_…`, `busy`, `invalid_request`. */
export async function storeCredential(cli: CliProcess, vault: Vault, context: ClientContext, flag: string | undefined, secret: { readonly session: Session } | { readonly key: string }): Promise<Result<StoredCredential, StoreRefusal>> {
  const contexts = readContexts(cli);
  if (!contexts.ok) return err({ code: 'storage_unreadable', message: contexts.error });
  const name = chooseName(contexts.value, flag, context);
  if (!name.ok) return name;
  const lock = await lockContext(cli, name.value);
  if (!lock.ok) return lock;
  try {
    return await holdSignals(cli, async () => {
      const replaced = await replacedSession(cli, name.value, contexts.value.all.get(name.value));
      const stale = ['bearer', 'session' in secret ? 'key' : 'session'] as const;
      const written = 'session' in secret ? await vault.write(name.value, 'session', encodeSession(secret.session)) : await vault.write(name.value, 'key', `${JSON.stringify({ key: secret.key })}\n`);
      if (!written.ok) return written;
      for (const kind of stale) await vault.remove(name.value, kind);
      await beginState(cli, vault, name.value, replaced);
      const edited = await editContexts(cli, ({ all }) => ok({ contexts: { current: name.value, all: new Map([...all, [name.value, context]]) }, value: undefined }));
      return edited.ok ? ok({ context: name.value, replaced }) : edited;
    });
  } finally {
    lock.value.release();
  }
}

async function replacedSession(cli: CliProcess, name: string, context: ClientContext | undefined): Promise<Session | undefined> {
  if (context?.credential !== 'login') return undefined;
  const vault = await openVault(cli, context.store);
  const session = vault.ok ? await readSession(vault.value, { name, ...context }) : undefined;
  return session?.ok === true ? session.value : undefined;
}

/** A new login begins without what was remembered of the last, save that its token must not come back. */
async function beginState(cli: CliProcess, vault: Vault, name: string, replaced: Session | undefined): Promise<void> {
  const ledgers = openState(cli, vault);
  const before = await ledgers.read(name).catch(() => emptyLedger);
  const digest = replaced === undefined || replaced.refreshToken === '' ? undefined : digestOf({ refreshToken: new Secret(replaced.refreshToken) });
  await ledgers.write(name, { intent: undefined, dead: before.dead, newest: undefined, spent: digest === undefined ? before.spent : new Map([...before.spent, [digest, systemClock.nowMs()]]) });
}
