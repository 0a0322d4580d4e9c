import type { OpenAuditArchive } from '../../audit/archive.ts';
import type { ReadManagedKeys } from '../../clients/managed-keys/archive.ts';
import { describeMissingConfig, findConfig } from '../config-path.ts';
import { describeProblem, examineConfig, reportUnread } from '../doctor/examine.ts';
import { printReport } from '../doctor/print.ts';
import { hasErrors, type DoctorReport } from '../doctor/report.ts';
import type { AskIssuer } from '../doctor/trusted-issuers.ts';
import type { CliProcess } from '../process-env.ts';
import { checkDoors, readConfigFile } from '../read-config.ts';
import { exitCodes } from '../run.ts';

export interface DoctorFlags {
  readonly config?: string;
  readonly json: boolean;
}

/** Prints what is in effect and what is wrong; 1 when a finding is an error. Changes nothing. */
export async function runDoctor(cli: CliProcess, flags: DoctorFlags, readKeys: ReadManagedKeys, askIssuer: AskIssuer, openAudit?: OpenAuditArchive): Promise<number> {
  const found = findConfig(cli, flags.config, false);
  if (!found.ok) {
    cli.stderr.write(`keyward: ${found.error}\n`);
    return exitCodes.failed;
  }
  const place = found.value;
  let report: DoctorReport;
  if (!place.exists) {
    report = reportUnread(cli, place, [{ level: 'error', code: 'config-missing', message: describeMissingConfig(cli, place), fix: '' }]);
  } else {
    const loaded = readConfigFile(cli, place.path);
    report = loaded.ok
      ? await examineConfig(cli, place, loaded.value, checkDoors(cli, loaded.value), readKeys, askIssuer, openAudit)
      : reportUnread(cli, place, loaded.error.map((problem) => describeProblem(place.path, problem)));
  }
  cli.stdout.write(flags.json ? `${JSON.stringify(report)}\n` : printReport(report));
  return hasErrors(report) ? exitCodes.failed : exitCodes.ok;
}
