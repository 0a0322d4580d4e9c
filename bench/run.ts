import { mkdtempSync, rmSync } from 'node:fs';
import { cpus, loadavg, tmpdir, totalmem } from 'node:os';
import { join } from 'node:path';
import { runCredentialsBench } from './credentials/run.ts';
import { emptyFigures, type Figures } from './figures.ts';
import { startLoad } from './load/load-process.ts';
import { measureAborts } from './measure/aborts.ts';
import { measureFresh } from './measure/fresh.ts';
import { measureLatency } from './measure/latency.ts';
import { figuresOf, guard, startTarget, type Session } from './measure/session.ts';
import { measureStreams } from './measure/streams.ts';
import { measureThroughput, warmUp } from './measure/throughput.ts';
import { helpText, readOptions, type Options } from './options.ts';
import { Children } from './process/children.ts';
import { readRssKb } from './process/proc-stat.ts';
import { writePage } from './report/page.ts';
import { keepResults } from './report/results.ts';
import { buildNotes, buildTables } from './report/tables.ts';
import { renderTerminal } from './report/terminal.ts';
import { runSocketBench } from './sockets/run.ts';
import { floorTarget } from './targets/floor-target.ts';
import { keywardTargets } from './targets/keyward.ts';
import { nginxTarget } from './targets/nginx.ts';
import { portkeyTarget } from './targets/portkey.ts';
import type { Target } from './targets/target.ts';
import { chatPath } from './workloads.ts';

/*
 * `npm run bench`: everything in one run, every part a process of its own on loopback, interleaved, direct first. A missed
 * aim is a finding and not a failure: the exit code is 0 unless the bench itself could not run.
 */

const busyLoadAverage = 0.7;
const say = (text: string): void => void process.stdout.write(`${text}\n`);

async function main(): Promise<number> {
  let options: Options | undefined;
  try {
    options = readOptions(process.argv.slice(2));
  } catch (cause) {
    process.stderr.write(`bench: ${cause instanceof Error ? cause.message : String(cause)}\n`);
    return 2;
  }
  if (options === undefined) {
    say(helpText);
    return 0;
  }
  const [loadAverage = 0] = loadavg();
  if (loadAverage > busyLoadAverage && !options.isForced) {
    process.stderr.write(`bench: the machine is busy (load average ${loadAverage.toFixed(2)}, the limit is ${busyLoadAverage}); wait a minute, or give --force\n`);
    return 1;
  }
  if (options.isSocketsOnly) return runSocketBench(options.isWriting);
  if (options.isCredentialsOnly) return runCredentialsBench({ isWriting: options.isWriting, isQuick: options.plan.name === 'quick' });

  const children = new Children();
  const folder = mkdtempSync(join(tmpdir(), 'keyward-bench-'));
  const leave = (): void => void children.stopAll().finally(() => process.exit(130));
  process.once('SIGINT', leave);
  process.once('SIGTERM', leave);
  try {
    const session = await openSession(options, children, folder, loadAverage);
    await measure(session, options);
    session.figures.loadAverageAtEnd = loadavg()[0] ?? Number.NaN;
    report(session.figures, options);
    return 0;
  } finally {
    await children.stopAll();
    rmSync(folder, { recursive: true, force: true });
  }
}

async function openSession(options: Options, children: Children, folder: string, loadAverageAtStart: number): Promise<Session> {
  const all = [floorTarget, nginxTarget, portkeyTarget(options.mayInstall), ...keywardTargets];
  const wanted = all.filter(({ id }) => options.targets.length === 0 || options.targets.includes(id));
  const skipped = new Map(wanted.map((kind) => [kind.id, kind.prepare()]));
  const targets = [emptyFigures('direct', 'direct'), ...wanted.map((kind) => emptyFigures(kind.id, kind.title))];
  for (const target of targets) {
    const reason = skipped.get(target.id);
    if (reason === undefined) continue;
    target.notes.push(`skipped: ${reason}`);
    say(`skipped ${target.title}: ${reason}`);
  }

  const program = join(import.meta.dirname, 'upstream.ts');
  const { child, port } = await children.forkProgram(program, [], { cwd: folder, env: {}, outputPath: join(folder, 'upstream.log') });
  const processors = cpus();
  return {
    plan: options.plan,
    children,
    load: await startLoad(children, folder),
    upstream: { host: '127.0.0.1', port, path: chatPath, headers: {} },
    upstreamPid: child.pid,
    folder,
    kinds: wanted.filter((kind) => skipped.get(kind.id) === undefined),
    figures: {
      startedAt: new Date().toISOString(),
      command: options.command,
      plan: `${options.plan.name}: warm-up ${options.plan.warmMs / 1_000} s a target, ${options.plan.rounds} rounds`,
      node: process.version,
      machine: `${processors.length} × ${processors[0]?.model ?? 'unknown processor'}, ${Math.round(totalmem() / 2 ** 30)} GB, ${process.platform}`,
      loadAverageAtStart,
      loadAverageAtEnd: Number.NaN,
      targets,
    },
    say,
  };
}

async function measure(session: Session, options: Options): Promise<void> {
  const has = (phase: Options['phases'][number]): boolean => options.phases.includes(phase);
  if (has('fresh')) await measureFresh(session);
  if (options.phases.every((phase) => phase === 'fresh')) return;

  const targets: Target[] = [{ kind: { id: 'direct', title: 'direct' }, endpoint: session.upstream, pid: undefined }];
  for (const kind of session.kinds) {
    await guard(figuresOf(session, kind), 'start', async () => {
      const { endpoint, child } = await startTarget(session, kind);
      targets.push({ kind, endpoint, pid: child.pid });
    });
  }
  await warmUp(session, targets);
  if (has('throughput')) await measureThroughput(session, targets);
  if (has('latency')) await measureLatency(session, targets);
  if (has('streams')) await measureStreams(session, targets);
  if (has('aborts')) await measureAborts(session, targets);
  for (const target of targets) {
    if (target.pid !== undefined) figuresOf(session, target).rssAfterLoadKb = readRssKb(target.pid);
  }
}

function report(figures: Figures, options: Options): void {
  say('');
  say(`${figures.command} · Node ${figures.node} · ${figures.machine} · load average ${figures.loadAverageAtStart.toFixed(2)} → ${figures.loadAverageAtEnd.toFixed(2)}`);
  for (const table of buildTables(figures)) if (table.rows.length > 0) say(renderTerminal(table));
  for (const note of buildNotes(figures)) say(`  ${note}`);
  say('');
  say(`kept in ${keepResults(figures)}`);
  if (options.isWriting) say(`written to ${writePage(figures)}`);
}

process.exitCode = await main();
