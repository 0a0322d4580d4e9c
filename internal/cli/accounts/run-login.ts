import { escapeForeign } from '../../log/escape.ts';
import type { LoginStatus, StartedLogin } from '../../upstreamauth/ports.ts';
import { parsePasted } from '../../upstreamauth/parse-return.ts';
import type { Output } from '../daemon-port.ts';
import type { LineReader } from '../line-reader.ts';
import { printableLines } from '../table.ts';
import type { LoginDriver, LoginWanted } from './login-driver.ts';
import { describeStart, describeWaiting } from './login-screen.ts';
import type { Surroundings } from './surroundings.ts';

export interface LoginRun {
  readonly driver: LoginDriver;
  /** Opened when there is something to paste. */
  readonly openLines: () => LineReader;
  readonly surroundings: Surroundings;
  readonly mayOpenBrowser: boolean;
  readonly openBrowser: (address: string) => Promise<boolean>;
  /** Where progress goes. */
  readonly progress: Output;
  /** Aborts on Ctrl-C. */
  readonly signal: AbortSignal;
}

/** How the command ended. */
export type LoginEnd =
  | { readonly kind: 'done'; readonly fileName: string; readonly label: string; readonly isDisabled: boolean }
  | { readonly kind: 'failed'; readonly code: string; readonly message: string }
  /** `wasWaiting` false: it ended in that very moment, and may have been stored. */
  | { readonly kind: 'cancelled'; readonly wasWaiting: boolean };

type Refused = Extract<LoginStatus, { readonly kind: 'failed' }>;

/** Refusals after which the login is over; after all others it waits on. */
const finalCodes: ReadonlySet<string> = new Set(['login_denied', 'login_failed', 'login_state_expired']);

/**
 * Makes one login: shows where to go, then waits for the redirect or device grant and for a pasted answer alike; the first
 * wins. Wrong pastes are explained and change nothing. Never rejects.
 */
export async function runLogin(run: LoginRun, wanted: LoginWanted): Promise<LoginEnd> {
  const { driver, progress, signal } = run;
  const answer = await startUnlessCancelled(run, wanted);
  if (answer === undefined) return { kind: 'cancelled', wasWaiting: true };
  if (!answer.ok) return { kind: 'failed', ...answer.error };
  const started = answer.value;
  const isOpened = run.mayOpenBrowser && (await run.openBrowser(started.url));
  const lines = started.redirect === undefined ? undefined : run.openLines();
  progress.write(`Logging in to ${escapeForeign(wanted.provider)}. The account goes to ${driver.place}.\n\n${describeStart(started, run.surroundings, isOpened)}${describeWaiting(started)}`);
  const over = new AbortController();
  const ended = AbortSignal.any([signal, over.signal]);
  try {
    const waited = driver.wait(started.state, ended);
    const pasted = lines === undefined ? waited : takePasted(run, started, lines, ended).then((refused) => refused ?? waited);
    const end = await Promise.race([waited, pasted]);
    return end.kind === 'waiting' ? { kind: 'cancelled', wasWaiting: await driver.cancel(started.state) } : end;
  } finally {
    over.abort();
    lines?.close();
  }
}

/** Undefined when Ctrl-C came first; a login that the vendor begins all the same is cancelled then. */
async function startUnlessCancelled({ driver, signal }: LoginRun, wanted: LoginWanted): Promise<Awaited<ReturnType<LoginDriver['start']>> | undefined> {
  const starting = driver.start(wanted);
  const cancelled = new Promise<undefined>((resolve) => {
    if (signal.aborted) resolve(undefined);
    signal.addEventListener('abort', () => resolve(undefined), { once: true });
  });
  const answer = await Promise.race([starting, cancelled]);
  if (answer === undefined) void starting.then((late) => (late.ok ? driver.cancel(late.value.state) : false));
  return answer;
}

/** Reads pastes until one ends the login for good, and resolves to that end; undefined where only waiting is left. */
async function takePasted(run: LoginRun, started: StartedLogin, lines: LineReader, ended: AbortSignal): Promise<Refused | undefined> {
  for (let line = await lines.next(); line !== undefined && !ended.aborted; line = await lines.next()) {
    const text = cleanPaste(line);
    if (text === '') continue;
    const objection = checkPasted(started, text);
    if (objection !== undefined) {
      run.progress.write(`${objection}\n`);
      continue;
    }
    run.progress.write('Checking it …\n');
    const finished = await run.driver.finish(started, text);
    if (finished.ok) return undefined;
    const { code, message } = finished.error;
    if (finalCodes.has(code)) return { kind: 'failed', code, message };
    if (!ended.aborted) run.progress.write(`${printableLines(message)}\n`);
  }
  return undefined;
}

/** Terminals frame what is pasted, and people copy quotes and brackets along. */
function cleanPaste(line: string): string {
  return line
    .replaceAll('\u001B[200~', '')
    .replaceAll('\u001B[201~', '')
    .trim()
    .replace(/^["'<]+|["'>]+$/g, '');
}

/** Why a pasted text cannot be this login's answer; known before anyone is asked. */
function checkPasted(started: StartedLogin, text: string): string | undefined {
  const parsed = parsePasted(text);
  if (!parsed.ok) return `${printableLines(parsed.error.message)} Try again.`;
  if (parsed.value.state !== started.state) return 'This belongs to another login: its state is not that of the page above. Open that page, and paste what it ends on.';
  return undefined;
}
