import type { AuditArchive, OpenAuditArchive, RestartAudit } from '../../audit/archive.ts';
import { describeRecord, describeReport } from '../../audit/describe.ts';
import { describeFinding } from '../../audit/findings.ts';
import type { AuditFilter, AuditRecord } from '../../audit/ports.ts';
import type { AuditReport } from '../../audit/verify.ts';
import { err } from '../../fault/result.ts';
import { askDaemon, controlSocketPath } from '../control.ts';
import { findDataDir } from '../data-dir.ts';
import type { CliProcess } from '../process-env.ts';
import { exitCodes } from '../run.ts';
import { formatColumns, printable } from '../table.ts';

export interface AuditVerifyFlags {
  readonly config?: string;
  readonly json: boolean;
}

export interface AuditExportFlags extends AuditVerifyFlags {
  readonly action?: string;
  readonly actor?: string;
  /** Milliseconds. */
  readonly from?: number;
  readonly to?: number;
}

export interface AuditShowFlags extends AuditExportFlags {
  readonly limit: number;
}

/** Prints the newest events; 1 when there is no audit to read. */
export function showAudit(cli: CliProcess, open: OpenAuditArchive, flags: AuditShowFlags): Promise<number> {
  return withArchive(cli, open, flags, (archive) => {
    const records = archive.list({ ...filterOf(flags), limit: flags.limit });
    if (flags.json) cli.stdout.write(`${JSON.stringify({ events: records.map(describeRecord) })}\n`);
    else cli.stdout.write(records.length === 0 ? 'No such event is on record.\n' : formatColumns([heading, ...records.map(cellsOf)]));
    return exitCodes.ok;
  });
}

/** Prints what is not as it was written; 1 when something is not, or when nothing can be said. */
export function verifyAudit(cli: CliProcess, open: OpenAuditArchive, flags: AuditVerifyFlags): Promise<number> {
  return withArchive(cli, open, flags, (archive) => {
    const verified = archive.verify();
    if (!verified.ok) {
      if (flags.json) cli.stdout.write(`${JSON.stringify({ intact: null, error: verified.error })}\n`);
      cli.stderr.write(`keyward: ${verified.error}\n`);
      return exitCodes.failed;
    }
    cli.stdout.write(flags.json ? `${JSON.stringify(describeReport(verified.value))}\n` : renderReport(verified.value));
    return verified.value.intact ? exitCodes.ok : exitCodes.failed;
  });
}

/** Prints all events as JSON lines, a page in memory at a time, until nobody reads on. */
export function exportAudit(cli: CliProcess, open: OpenAuditArchive, flags: AuditExportFlags): Promise<number> {
  return withArchive(cli, open, flags, async (archive) => {
    const filter = filterOf(flags);
    for (let page = archive.page({ ...filter, afterId: 0 }); page !== undefined; page = archive.page({ ...filter, afterId: page.nextAfterId })) {
      if (page.records.length > 0) cli.stdout.write(page.records.map((record) => `${JSON.stringify(describeRecord(record))}\n`).join(''));
      if (!(await cli.drained())) break;
    }
    return exitCodes.ok;
  });
}

/** Has a chain whose key is lost go on with a new one; 1 when a daemon runs, or there is nothing to begin anew. */
export async function restartAudit(cli: CliProcess, restart: RestartAudit, flags: AuditVerifyFlags): Promise<number> {
  const dataDir = findDataDir(cli, flags.config);
  const running = dataDir.ok && (await askDaemon(controlSocketPath(dataDir.value), '/v0/management/status')).ok;
  const restarted = !dataDir.ok ? dataDir : running ? err('A daemon runs on this data-dir, with a key that is good; stop it first if a new chain is meant all the same.') : await restart(dataDir.value, cli.uid);
  if (!restarted.ok) {
    if (flags.json) cli.stdout.write(`${JSON.stringify({ status: 'error', message: restarted.error })}\n`);
    cli.stderr.write(`keyward: ${printable(restarted.error)}\n`);
    return exitCodes.failed;
  }
  const { firstId, keyId, kept } = restarted.value;
  if (flags.json) cli.stdout.write(`${JSON.stringify({ status: 'ok', first_id: firstId, key_id: keyId, kept })}\n`);
  else cli.stdout.write(`The chain goes on at row ${firstId} with a new key (${keyId}); back that one up. What is before it cannot be verified any more, and \`keyward audit verify\` says so.\n${kept.map((path) => `Kept: ${printable(path)}\n`).join('')}`);
  return exitCodes.ok;
}

async function withArchive(cli: CliProcess, open: OpenAuditArchive, flags: AuditVerifyFlags, work: (archive: AuditArchive) => number | Promise<number>): Promise<number> {
  const dataDir = findDataDir(cli, flags.config);
  const archive = dataDir.ok ? open(dataDir.value, cli.uid) : dataDir;
  if (!archive.ok) {
    cli.stderr.write(`keyward: ${archive.error}\n`);
    return exitCodes.failed;
  }
  try {
    return await work(archive.value);
  } finally {
    archive.value.close();
  }
}

function filterOf({ action, actor, from, to }: AuditExportFlags): AuditFilter {
  return { ...(action === undefined ? {} : { action }), ...(actor === undefined ? {} : { actor }), ...(from === undefined ? {} : { fromMs: from }), ...(to === undefined ? {} : { toMs: to }) };
}

const heading = ['ID', 'TIME', 'ACTION', 'OUTCOME', 'WHO', 'FROM', 'TARGET', 'CODE', 'TIMES'];

function cellsOf({ id, atMs, action, outcome, actor, actorLabel, from, target, code, count = 1 }: AuditRecord): readonly string[] {
  const who = actorLabel === '' || actorLabel === actor ? actor : `${actor} (${actorLabel})`;
  return [String(id), new Date(atMs).toISOString(), action, outcome, who, from, target, code, count === 1 ? '' : `×${count}`];
}

function renderReport({ intact, rows, firstId, lastId, cutId, checkpointId, findings, omitted, keyId }: AuditReport): string {
  const span = firstId === undefined || lastId === undefined ? 'no rows' : `${rows} rows, ${firstId} to ${lastId}`;
  const head = `${span}; key ${keyId}; checkpoint at row ${checkpointId}${cutId === 0 ? '' : `; rows up to ${cutId} were removed by retention`}\n`;
  if (intact) return `${head}The chain is intact.\n`;
  const more = omitted === 0 ? '' : `… and ${omitted} more\n`;
  return `${head}The chain is NOT intact:\n${findings.map((finding) => `- ${printable(describeFinding(finding))}\n`).join('')}${more}`;
}
