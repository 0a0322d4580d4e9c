import type { ReadManagedKeys } from '../clients/managed-keys/archive.ts';
import { ok } from '../fault/result.ts';
import type { AskIssuer } from './doctor/trusted-issuers.ts';
import type { LoadAudit, LoadRestartAudit } from './program-audit.ts';
import type { RunDaemon } from './daemon-port.ts';
import type { CliProcess } from './process-env.ts';

/** Exit codes of every command (contract §2). */
export const exitCodes = { ok: 0, failed: 1, usage: 2 } as const;

/** What reads the managed keys of a data-dir; loaded when a command asks for it. */
export type LoadKeys = () => Promise<ReadManagedKeys>;
/** What asks a trusted issuer for its keys; loaded when a command wants to know. */
export type LoadIssuers = () => Promise<AskIssuer>;

/**
 * Runs one command line and resolves to its exit code; never rejects. `startDaemon` is what `serve` ends in, handed in
 * because the command line lies below the daemon; so it is with the audit and the managed keys of a data-dir, and
 * with trusted issuers. Without `loadKeys` no managed keys are seen, without `loadIssuers` no issuer is asked.
 */
export async function runCli(cli: CliProcess, startDaemon: RunDaemon, loadAudit: LoadAudit = noAudit, loadKeys: LoadKeys = noKeys, loadIssuers: LoadIssuers = noIssuers, loadRestart: LoadRestartAudit = noAudit): Promise<number> {
  const [{ buildProgram }, { CommanderError }] = await Promise.all([import('./program.ts'), import('commander')]);
  let exitCode: number = exitCodes.ok;
  const program = buildProgram(cli, startDaemon, (code) => {
    exitCode = code;
  }, loadAudit, loadKeys, loadIssuers, loadRestart);
  if (cli.argv.length === 0) {
    program.outputHelp();
    return exitCodes.ok;
  }
  try {
    await program.parseAsync(cli.argv, { from: 'user' });
    return exitCode;
  } catch (thrown) {
    // Help and version end this way too, with 0; anything else commander refuses is wrong usage.
    if (thrown instanceof CommanderError) return thrown.exitCode === 0 ? exitCodes.ok : exitCodes.usage;
    cli.stderr.write(`keyward: ${thrown instanceof Error ? thrown.message : String(thrown)}\n`);
    return exitCodes.failed;
  }
}

function noAudit(): Promise<never> {
  return Promise.reject(new Error('this build cannot read the audit'));
}

function noKeys(): Promise<ReadManagedKeys> {
  return Promise.resolve(() => ok([]));
}

function noIssuers(): Promise<AskIssuer> {
  return Promise.resolve(() => Promise.resolve(ok(1)));
}
