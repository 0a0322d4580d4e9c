import { readdir, readFile, realpath, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { AuthFile } from '../../accounts/auth-file/auth-file.ts';
import { escapeForeign } from '../../log/escape.ts';
import { sha256Hex } from '../../secret/digest.ts';
import type { Finding } from './report.ts';

export interface SharedTokenPlaces {
  readonly home: string;
  /** `CODEX_HOME`. */
  readonly codexHome: string | undefined;
  readonly authDir: string;
  readonly files: readonly AuthFile[];
}

/** Where other programs keep their refresh tokens. */
function placesOf({ home, codexHome }: SharedTokenPlaces): readonly { readonly program: string; readonly path: string; readonly isFolder: boolean }[] {
  return [
    { program: 'the Go program (CLIProxyAPI)', path: join(home, '.cli-proxy-api'), isFolder: true },
    { program: 'Codex', path: join(codexHome === undefined || codexHome === '' ? join(home, '.codex') : codexHome, 'auth.json'), isFolder: false },
    { program: 'Gemini CLI', path: join(home, '.gemini', 'oauth_creds.json'), isFolder: false },
    { program: 'Claude Code', path: join(home, '.claude', '.credentials.json'), isFolder: false },
    { program: 'Qwen Code', path: join(home, '.qwen', 'oauth_creds.json'), isFolder: false },
  ];
}

const maxBytes = 262_144;
const maxFiles = 500;

/**
 * Warns of other programs that hold a refresh token of ours: the one that refreshes first ends the other's login where
 * tokens are good once (security rule 25). Digests are compared; nothing of the files is shown but where they are.
 */
export async function findSharedTokens(places: SharedTokenPlaces): Promise<readonly Finding[]> {
  const ours = new Map<string, string>();
  for (const { name, tokens } of places.files) if (tokens.refreshToken !== undefined) ours.set(sha256Hex(tokens.refreshToken.reveal()), name);
  if (ours.size === 0) return [];
  const ownFolder = await realpath(places.authDir).catch(() => places.authDir);
  const findings: Finding[] = [];
  for (const { program, path, isFolder } of placesOf(places)) {
    if ((await realpath(path).catch(() => '')) === ownFolder) continue;
    for (const file of isFolder ? await listFiles(path) : [path]) {
      const shared = (await digestsOf(file)).map((digest) => ours.get(digest)).find((name) => name !== undefined);
      if (shared === undefined) continue;
      findings.push({
        level: 'warning',
        code: 'tokens-shared',
        message: `${escapeForeign(shared, 128)} and ${escapeForeign(file, 256)} of ${program} hold the same refresh token: whichever refreshes first can end the other’s login.`,
        fix: 'Log in once for each program, or let one of them use Keyward.',
      });
    }
  }
  return findings;
}

async function listFiles(folder: string): Promise<readonly string[]> {
  const names = await readdir(folder).catch((): string[] => []);
  return names.filter((name) => name.toLowerCase().endsWith('.json')).slice(0, maxFiles).map((name) => join(folder, name));
}

/** Of every refresh token in a JSON file, wherever it stands in it; empty for what cannot be read. */
async function digestsOf(path: string): Promise<readonly string[]> {
  try {
    const stats = await stat(path);
    if (!stats.isFile() || stats.size > maxBytes) return [];
    const found: string[] = [];
    JSON.parse(await readFile(path, 'utf8'), (name, value: unknown) => {
      if ((name === 'refresh_token' || name === 'refreshToken' || name === 'refresh-token') && typeof value === 'string') found.push(sha256Hex(value));
      return value;
    });
    return found;
  } catch {
    return [];
  }
}
