import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Played } from './play.ts';

const columns = ['agent', 'model asked', 'transport', 'upstream', 'tools used', 'result'] as const;

export function nameOf({ agent, model, transport, upstream }: Pick<Played, 'agent' | 'model' | 'transport' | 'upstream'>): string {
  return `${agent.program}-${model}-${transport}-${upstream}`;
}

/** One row an agent, model, transport and upstream; what is wrong follows below. */
export function renderTable(played: readonly Played[]): string {
  const rows = played.map((one) => [`${one.agent.name} ${one.agent.version}`, one.model, one.transport, one.upstream, one.used.join(', '), one.faults.length === 0 ? `done, ${(one.tookMs / 1_000).toFixed(1)} s` : 'FAILED']);
  const widths = columns.map((title, column) => Math.max(title.length, ...rows.map((row) => row[column]?.length ?? 0)));
  const line = (cells: readonly string[]): string => cells.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join('  ').trimEnd();
  const faults = played.filter(({ faults: found }) => found.length > 0).map((one) => `${nameOf(one)}:\n${one.faults.map((fault) => `  - ${fault}`).join('\n')}`);
  return [line(columns), ...rows.map(line), ...(faults.length === 0 ? [] : ['', ...faults])].join('\n');
}

/** Everything known of a failed run, one file a run. Returns the file's path. */
export function writeTrace(folder: string, one: Played): string {
  mkdirSync(folder, { recursive: true });
  const path = join(folder, `${nameOf(one).replaceAll('/', '_')}.json`);
  const { agent, seen, ...rest } = one;
  const exchanges = seen.map(({ body, answer, ...each }) => ({ ...each, body: readable(body), answer: answer.split('\n') }));
  writeFileSync(path, JSON.stringify({ agent: agent.name, ...rest, outcome: { ...one.outcome, stdout: one.outcome.stdout.split('\n'), stderr: one.outcome.stderr.split('\n') }, daemonLog: one.daemonLog.split('\n'), exchanges }, undefined, 2));
  return path;
}

function readable(body: string): unknown {
  try {
    return JSON.parse(body);
  } catch {
    return body;
  }
}
