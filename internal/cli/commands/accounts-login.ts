import type { Result } from '../../fault/result.ts';
import { openInBrowser } from '../accounts/browser.ts';
import type { LoginDriver, LoginRefusal } from '../accounts/login-driver.ts';
import { openLoginDriver } from '../accounts/open-login-driver.ts';
import { exitCodeOf } from '../accounts/report-refusal.ts';
import { runLogin, type LoginEnd } from '../accounts/run-login.ts';
import { detectSurroundings, type Surroundings } from '../accounts/surroundings.ts';
import type { CliProcess } from '../process-env.ts';
import { exitCodes } from '../run.ts';
import { printable, printableLines } from '../table.ts';
import { listenForInterrupt } from './listen-for-interrupt.ts';

export interface AccountsLoginFlags {
  readonly config?: string;
  readonly json: boolean;
  /** False with `--no-browser`. */
  readonly browser: boolean;
  readonly device: boolean;
  readonly projectId?: string;
}

/** What a login needs of the world beyond the process; tests hand in their own. */
export interface LoginParts {
  readonly openDriver: (configFlag: string | undefined) => Promise<Result<LoginDriver, LoginRefusal>>;
  readonly surroundings: Surroundings;
  readonly openBrowser: (address: string) => Promise<boolean>;
}

const realParts = (cli: CliProcess): LoginParts => ({
  openDriver: (configFlag) => openLoginDriver(cli, configFlag),
  surroundings: detectSurroundings(cli),
  openBrowser: (address) => openInBrowser(cli.platform, address),
});

/** Logs in at a provider and stores the account; progress goes to standard output, with `--json` to standard error. */
export async function loginToAccount(cli: CliProcess, provider: string, flags: AccountsLoginFlags, parts: LoginParts = realParts(cli)): Promise<number> {
  const interrupted = listenForInterrupt(cli);
  try {
    const driver = await parts.openDriver(flags.config);
    if (!driver.ok) return report(cli, provider, flags.json, { kind: 'failed', ...driver.error });
    try {
      const { surroundings, openBrowser } = parts;
      const mayOpenBrowser = flags.browser && surroundings.hasDisplay && surroundings.ssh === undefined && !surroundings.isContainer;
      const end = await runLogin(
        { driver: driver.value, openLines: () => cli.openLines({ isHidden: true }), surroundings, mayOpenBrowser, openBrowser, progress: flags.json ? cli.stderr : cli.stdout, signal: interrupted.signal },
        { provider, isDevice: flags.device, projectId: flags.projectId ?? '' },
      );
      return report(cli, provider, flags.json, end);
    } finally {
      await driver.value.close();
    }
  } finally {
    interrupted.stop();
  }
}

function report(cli: CliProcess, provider: string, isJson: boolean, end: LoginEnd): number {
  if (isJson) cli.stdout.write(`${JSON.stringify(toJson(provider, end))}\n`);
  else if (end.kind === 'done') cli.stdout.write(describeDone(provider, end));
  else cli.stderr.write(`keyward: ${end.kind === 'failed' ? printableLines(end.message) : describeCancelled(end)}\n`);
  if (end.kind === 'done') return exitCodes.ok;
  return end.kind === 'failed' ? exitCodeOf(end.code) : exitCodes.failed;
}

function describeDone(provider: string, { fileName, label, isDisabled }: Extract<LoginEnd, { readonly kind: 'done' }>): string {
  const stored = `\nLogged in: ${printable(label)}, kept as ${printable(fileName)}.\n`;
  if (!isDisabled) return stored;
  return `${stored}It is kept off: it was off before, or it is new here and the provider’s way to log in cannot prove who began it (no PKCE).\nIf it is your account, let requests go to it:\n\n  keyward accounts enable ${printable(fileName)}\n\nIf it is not, remove it:\n\n  keyward accounts logout ${printable(provider)} ${printable(fileName)}\n`;
}

function describeCancelled({ wasWaiting }: Extract<LoginEnd, { readonly kind: 'cancelled' }>): string {
  return wasWaiting ? 'cancelled; nothing was stored' : 'cancelled while the login was being finished; `keyward accounts list` shows whether it was stored';
}

function toJson(provider: string, end: LoginEnd): unknown {
  switch (end.kind) {
    case 'done':
      return { status: 'ok', provider, file: end.fileName, account: end.label, disabled: end.isDisabled };
    case 'failed':
      return { status: 'error', provider, code: end.code, message: end.message };
    case 'cancelled':
      return { status: 'cancelled', provider, stored: end.wasWaiting ? false : null };
  }
}
