import { formatColumns, printable } from '../table.ts';
import type { DoctorReport, Finding } from './report.ts';

const marks = { error: '✘ error  ', warning: '! warning', info: '· note   ' } as const;
const order = { error: 0, warning: 1, info: 2 } as const;

/** The report for a person: what is in effect first, then the findings, gravest first, each with its fix. */
export function printReport(report: DoctorReport): string {
  const facts: (readonly string[])[] = [
    ['keyward', `${report.version} on Node ${report.node}`],
    ['config', `${report.config.path} (${report.config.found_by}${report.config.exists ? '' : ', not there'})`],
  ];
  if (report.paths !== null) facts.push(['data-dir', report.paths.data_dir], ['auth-dir', report.paths.auth_dir]);
  if (report.listen !== null) facts.push(['listens on', `${report.listen.addresses.join(', ')} port ${report.listen.port}${report.listen.tls ? ' (TLS)' : ''}: ${describeState(report)}`]);
  if (report.clients !== null) facts.push(['client keys', report.clients.open_mode ? 'none: open mode, every local caller is let in' : report.clients.keys === 0 ? 'none in the config; `keyward keys list` has the managed ones' : String(report.clients.keys)]);
  if (report.management !== null) facts.push(['management', describeManagement(report.management)]);
  return [
    formatColumns(facts),
    printTable('Upstreams', [['entry', 'name', 'base-url', 'prefix', 'models', ''], ...report.upstreams.map((entry) => [entry.origin, entry.name, entry.base_url, entry.prefix || '–', entry.models, entry.disabled ? 'disabled' : ''])]),
    printTable('Accounts', [['file', 'provider', 'account', 'state', 'prefix', ''], ...report.accounts.map((account) => [printable(account.file), printable(account.provider), printable(account.account) || '–', account.state, printable(account.prefix) || '–', account.sealed ? 'encrypted' : ''])]),
    printTable('Secrets', [['setting', 'from', 'value'], ...report.secrets.map((secret) => [secret.path, secret.origin, secret.masked])]),
    printFindings(report.findings),
  ].join('');
}

function describeState(report: DoctorReport): string {
  const state = report.listen?.state;
  switch (state?.kind) {
    case 'free':
      return 'free';
    case 'keyward':
      return `Keyward ${state.version} answers`;
    case 'other':
      return 'another program answers';
    case 'refused':
      return state.reason;
    case undefined:
      return 'unknown';
  }
}

function describeManagement(management: NonNullable<DoctorReport['management']>): string {
  if (!management.enabled) return 'off (no secret)';
  return `${management.remote ? 'this machine and remote callers' : 'this machine only'}, secret from ${management.secret}${management.listen === '' ? '' : `, on ${management.listen}`}`;
}

function printTable(title: string, rows: readonly (readonly string[])[]): string {
  return rows.length < 2 ? '' : `\n${title}\n${formatColumns(rows, '  ')}`;
}

function printFindings(findings: readonly Finding[]): string {
  const sorted = findings.toSorted((a, b) => order[a.level] - order[b.level]);
  const lines = sorted.map((finding) => `  ${marks[finding.level]}  ${printable(finding.message)}\n${finding.fix === '' ? '' : `             → ${printable(finding.fix)}\n`}`);
  const count = (level: Finding['level']): number => findings.filter((finding) => finding.level === level).length;
  return `\nFindings\n${lines.join('')}\n${count('error')} errors, ${count('warning')} warnings\n`;
}
