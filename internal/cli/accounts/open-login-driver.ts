import { systemClock } from '../../clock/clock.ts';
import { ok, type Result } from '../../fault/result.ts';
import type { CliProcess } from '../process-env.ts';
import { createDaemonLogin } from './daemon-login.ts';
import { findDaemon } from './find-daemon.ts';
import type { LoginDriver, LoginRefusal } from './login-driver.ts';

/** Who carries the login out: the running daemon where one runs, else this process. */
export async function openLoginDriver(cli: CliProcess, configFlag: string | undefined): Promise<Result<LoginDriver, LoginRefusal>> {
  const daemon = await findDaemon(cli, configFlag);
  if (!daemon.ok) return daemon;
  if (daemon.value !== undefined) return ok(createDaemonLogin(daemon.value, systemClock));
  const [{ readLocalParts }, { openLocalLogin }] = await Promise.all([import('./local-parts.ts'), import('./local-login.ts')]);
  const parts = readLocalParts(cli, configFlag);
  return parts.ok ? ok(await openLocalLogin(cli, parts.value)) : parts;
}
