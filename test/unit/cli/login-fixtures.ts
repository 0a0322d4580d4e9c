import type { LoginDriver, LoginRefusal, LoginWanted } from '../../../internal/cli/accounts/login-driver.ts';
import type { Surroundings } from '../../../internal/cli/accounts/surroundings.ts';
import type { LineReader } from '../../../internal/cli/line-reader.ts';
import { err, ok, type Result } from '../../../internal/fault/result.ts';
import type { LoginStatus, StartedLogin } from '../../../internal/upstreamauth/ports.ts';

export const ownState = '0123456789abcdef0123456789abcdef';

export const codeLogin: StartedLogin = {
  state: ownState,
  provider: 'anthropic',
  grant: 'authorization-code',
  url: `https://id.example.com/authorize?client_id=c&state=${ownState}`,
  userCode: undefined,
  expiresAtMs: 600_000,
  redirect: { uri: 'http://localhost:54545/callback', isListening: true, obstacle: undefined },
};

export const deviceLogin: StartedLogin = { ...codeLogin, provider: 'kimi', grant: 'device', url: 'https://id.example.com/device', userCode: 'WDJB-MJHT', redirect: undefined };

export const desktop: Surroundings = { ssh: undefined, isContainer: false, hasDisplay: true };

export const stored: LoginStatus = { kind: 'done', fileName: 'claude-ann@example.com.json', label: 'claude (ann@example.com)', isDisabled: false };

export interface FakeDriver extends LoginDriver {
  readonly wanted: () => readonly LoginWanted[];
  readonly pasted: () => readonly string[];
  readonly cancelled: () => readonly string[];
  readonly isClosed: () => boolean;
  /** The redirect or device grant brought this about. */
  readonly end: (status: LoginStatus) => void;
}

/** A login that ends when the test says so; `judge` answers pastes, and an accepted one ends it as stored. */
export function createFakeDriver(answer: Result<StartedLogin, LoginRefusal>, judge: (pasted: string) => LoginRefusal | undefined = () => undefined): FakeDriver {
  const wanted: LoginWanted[] = [];
  const pasted: string[] = [];
  const cancelled: string[] = [];
  let isClosed = false;
  const ended = Promise.withResolvers<LoginStatus>();
  return {
    place: 'the running daemon',
    start: (login) => {
      wanted.push(login);
      return Promise.resolve(answer);
    },
    finish: (_started, text) => {
      pasted.push(text);
      const refusal = judge(text);
      if (refusal !== undefined) return Promise.resolve(err(refusal));
      ended.resolve(stored);
      return Promise.resolve(ok(undefined));
    },
    wait: (_state, signal) => {
      const stopped = new Promise<LoginStatus>((resolve) => {
        if (signal.aborted) resolve({ kind: 'waiting' });
        signal.addEventListener('abort', () => resolve({ kind: 'waiting' }), { once: true });
      });
      return Promise.race([ended.promise, stopped]);
    },
    cancel: (state) => {
      cancelled.push(state);
      return Promise.resolve(true);
    },
    close: () => {
      isClosed = true;
      return Promise.resolve();
    },
    wanted: () => wanted,
    pasted: () => pasted,
    cancelled: () => cancelled,
    isClosed: () => isClosed,
    end: ended.resolve,
  };
}

/** Lines that the test types one by one. */
export function createTypist(): LineReader & { readonly type: (line: string) => void; readonly isClosed: () => boolean } {
  const kept: string[] = [];
  const waiting: ((line: string | undefined) => void)[] = [];
  let isClosed = false;
  return {
    type: (line) => {
      const first = waiting.shift();
      if (first === undefined) kept.push(line);
      else first(line);
    },
    next: () => {
      const line = kept.shift();
      return line === undefined && !isClosed ? new Promise((resolve) => waiting.push(resolve)) : Promise.resolve(line);
    },
    close: () => {
      isClosed = true;
      for (const tell of waiting.splice(0)) tell(undefined);
    },
    isClosed: () => isClosed,
  };
}
