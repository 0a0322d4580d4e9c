import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createBrowserWalk, type WalkEnd } from './browser-walk.ts';
import { runCommand, type RunningCommand } from './run-command.ts';

export interface BrowserLogin {
  readonly command: RunningCommand;
  /** What the command sends the browser to. */
  readonly address: string;
  /** Where the browser is to come back to. */
  readonly redirectUri: string;
  readonly state: string;
}

/** `keyward login` up to where it waits for a browser. */
export async function beginLogin(folder: string, args: readonly string[], env: Readonly<Record<string, string>> = {}): Promise<BrowserLogin> {
  const command = runCommand({ folder, args: ['login', '--no-browser', ...args], env });
  await command.says('Waiting for the browser');
  const address = /^ {2}(http\S+)$/m.exec(command.output())?.[1] ?? '';
  const { searchParams } = new URL(address);
  return { command, address, redirectUri: searchParams.get('redirect_uri') ?? '', state: searchParams.get('state') ?? '' };
}

/** Logs in by a browser that says yes to all. */
export async function logIn(folder: string, args: readonly string[], env: Readonly<Record<string, string>> = {}): Promise<{ readonly page: WalkEnd; readonly output: string }> {
  const { command, address } = await beginLogin(folder, args, env);
  const page = await createBrowserWalk().open(address);
  const code = await command.exitCode;
  if (code !== 0) throw new Error(`the login ended with ${code}:\n${command.output()}`);
  return { page, output: command.output() };
}

/** Files of the client in a home. */
export const clientFile = (folder: string, ...path: readonly string[]): string => join(folder, '.keyward', 'client', ...path);

/** Moves the times of what is stored into the past, as waiting would. `share`: how much of its life is over. */
export function age(folder: string, context: string, kind: 'session' | 'bearer', share: number): void {
  const path = clientFile(folder, 'tokens', `${context}.${kind}.json`);
  const stored: { issued_at_ms: number; expires_at_ms: number } = JSON.parse(readFileSync(path, 'utf8'));
  const byMs = (stored.expires_at_ms - stored.issued_at_ms) * share;
  writeFileSync(path, JSON.stringify({ ...stored, issued_at_ms: stored.issued_at_ms - byMs, expires_at_ms: stored.expires_at_ms - byMs }), { mode: 0o600 });
}
