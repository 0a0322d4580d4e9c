import { createKeyring } from '../../../../internal/accounts/auth-file/keyring.ts';
import { openAuthDirectory, type OpenAuthDirectory } from '../../../../internal/accounts/directory/open-auth-directory.ts';
import { noTokens } from '../../../../internal/accounts/token-set.ts';
import { systemClock } from '../../../../internal/clock/clock.ts';
import { silentLogger } from '../../../../internal/log/logger.ts';
import { Secret } from '../../../../internal/secret/secret.ts';

/*
 * A second process that writes account files, for interleavings.test.ts: `{id, path, header}` sets a header of the
 * operator's, `{id, path, token}` commits a refresh token; the answer is `{id, ok}`.
 */

const keyring = createKeyring({ mode: 'off', envKeys: undefined, keyFile: '', uid: undefined });
const opened = new Map<string, Promise<OpenAuthDirectory>>();

function open(path: string): Promise<OpenAuthDirectory> {
  const known = opened.get(path) ?? openAuthDirectory({ path, clock: systemClock, log: silentLogger, uid: process.getuid?.(), ofFileType: () => ({ name: 'anthropic' }), keyring, hasEvents: false });
  opened.set(path, known);
  return known;
}

async function handle(path: string, header: unknown, token: unknown): Promise<boolean> {
  const { accountWriter, tokenWriter } = await open(path);
  if (typeof header === 'string') return (await accountWriter.patch('a.json', { headers: { [header]: '1' } })).ok;
  const reserved = await tokenWriter.reserve('a.json');
  if (!reserved.ok) return false;
  const committed = await reserved.value.commit({ tokens: { ...noTokens, accessToken: new Secret(`at-${String(token)}`), refreshToken: new Secret(`rt-${String(token)}`) } });
  await reserved.value.release();
  return committed.ok;
}

process.on('message', (message: { readonly id: number; readonly path: string; readonly header?: string; readonly token?: number }) => {
  void handle(message.path, message.header, message.token).then((ok) => process.send?.({ id: message.id, ok }));
});
process.on('disconnect', () => process.exit());
