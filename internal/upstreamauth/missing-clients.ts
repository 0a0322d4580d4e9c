import type { AuthFile, AuthFileProblem } from '../accounts/auth-file/auth-file.ts';
import type { Login } from '../providers/login.ts';
import { clientOfFile } from './client-identity.ts';

/**
 * Files whose tokens nobody knows the OAuth client of: a refresh token is good for that client alone (RFC 6749 §6), so they
 * serve until their access token ends (clarification 2).
 */
export function findMissingClients(logins: readonly Login[], files: readonly AuthFile[]): readonly AuthFileProblem[] {
  const byName = new Map(files.map((file) => [file.name, file] as const));
  return logins.flatMap(({ source, disabled, profile, fileNames }) => {
    const file = byName.get(fileNames[0] ?? '');
    if (source !== 'refresh-token' || disabled || file === undefined || file.tokens.refreshToken === undefined) return [];
    if (clientOfFile(profile, file, file.tokens) !== undefined) return [];
    return [{ name: file.name, code: 'no_client', severity: 'warning', message: `Neither it nor the config names the OAuth client that its tokens belong to, so it serves only until its token ends: add \`oauth.${profile.name}.client-id\` to the config.` }];
  });
}
