import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { resolve } from 'node:path';

export interface StandInEvent {
  readonly event: 'token request' | 'issued' | 'refused' | 'family ended' | 'bearer token' | 'run key' | 'run key ended';
  readonly grant?: string;
  readonly error?: string;
  readonly id?: string;
  readonly name?: string;
  readonly bound?: boolean;
}

/** A Keyward as far as the command line can tell: `oidc-provider` and Keyward's own endpoints, in a process of its own. */
export interface StandIn {
  /** Base URL; the issuer is `<url>/oauth`. */
  readonly url: string;
  /** Oldest first. */
  readonly events: () => Promise<readonly StandInEvent[]>;
  readonly count: (event: StandInEvent['event'], grant?: string) => Promise<number>;
  /** `drop-answer`: the next token request is done and not answered; `503`; `''`: all is well again. */
  readonly setTrouble: (kind: 'drop-answer' | '503' | '') => Promise<void>;
  /** Whether `/v1/models` takes a credential. */
  readonly takes: (credential: string) => Promise<boolean>;
  readonly stop: () => Promise<void>;
}

export interface StandInOptions {
  readonly accessTokenSeconds?: number;
  readonly bearerSeconds?: number;
  readonly requireNonce?: boolean;
  readonly tokenDelayMs?: number;
  readonly port?: number;
}

export async function startStandIn(options: StandInOptions = {}): Promise<StandIn> {
  const entry = resolve(import.meta.dirname, 'keyward-stand-in-process.ts');
  const settings = { accessTokenSeconds: 3_600, bearerSeconds: 900, requireNonce: false, tokenDelayMs: 0, port: 0, ...options };
  const child = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', entry, JSON.stringify(settings)], { stdio: ['ignore', 'pipe', 'pipe'] });
  let text = '';
  let complaints = '';
  child.stderr.on('data', (chunk: Buffer) => (complaints += chunk.toString('utf8')));
  const issuer = await new Promise<string>((done, fail) => {
    child.stdout.on('data', (chunk: Buffer) => {
      text += chunk.toString('utf8');
      const line = /"issuer":"([^"]+)"/.exec(text);
      if (line?.[1] !== undefined) done(line[1]);
    });
    child.once('exit', (code) => fail(new Error(`the stand-in ended with ${code}:\n${complaints}`)));
  });
  const url = issuer.replace(/\/oauth$/, '');
  const events = async (): Promise<readonly StandInEvent[]> => JSON.parse(await (await fetch(`${url}/events`)).text());
  return {
    url,
    events,
    count: async (event, grant) => (await events()).filter((each) => each.event === event && (grant === undefined || each.grant === grant)).length,
    setTrouble: async (kind) => void (await fetch(`${url}/trouble/${kind === '' ? 'none' : kind}`)),
    takes: async (credential) => (await fetch(`${url}/v1/models`, { headers: { authorization: `Bearer ${credential}` } })).status === 200,
    stop: async () => {
      if (child.exitCode !== null || child.signalCode !== null) return;
      child.kill('SIGTERM');
      await once(child, 'exit');
    },
  };
}
