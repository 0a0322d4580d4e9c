import { fork, type ChildProcess } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, unlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { changeFile } from '../../../../internal/accounts/directory/change-file.ts';
import { openAuthDirectory, type OpenAuthDirectory } from '../../../../internal/accounts/directory/open-auth-directory.ts';
import { readTokens } from '../../../../internal/accounts/auth-file/read-tokens.ts';
import { tokenChanges } from '../../../../internal/accounts/auth-file/token-changes.ts';
import { systemClock } from '../../../../internal/clock/clock.ts';
import { prepareDurableWrite, type PreparedWrite } from '../../../../internal/files/prepared-write.ts';
import { silentLogger } from '../../../../internal/log/logger.ts';
import { makeAuthFolder, ofFileType, plainKeyring, tokenSet } from '../../../support/auth-folder.ts';

/*
 * Refreshes, edits by the API and an editor's saves on one file, in any order and overlap: two directories of this process
 * and one of another write, the editor saves by every habit. Each leaves a mark of its own, and every mark must be there in
 * the end, the newest token with them.
 */

type Save = 'in place' | 'in two halves' | 'rename over' | 'backup dance' | 'delete and create';
type Step =
  | { readonly kind: 'refresh' | 'patch'; readonly by: 'one' | 'two' | 'other process'; readonly delayUs: number }
  | { readonly kind: 'save'; readonly how: Save; readonly delayUs: number };

let other: ChildProcess;
let answers = new Map<number, (ok: boolean) => void>();
let asked = 0;
beforeAll(() => {
  other = fork(join(import.meta.dirname, 'other-writer.ts'), { execArgv: [] });
  other.on('message', ({ id, ok }: { readonly id: number; readonly ok: boolean }) => answers.get(id)?.(ok));
});
afterAll(() => {
  answers = new Map();
  other.disconnect();
});

function askOther(request: { readonly path: string; readonly header?: string; readonly token?: number }): Promise<boolean> {
  const id = ++asked;
  return new Promise((answer) => {
    answers.set(id, answer);
    other.send({ id, ...request });
  });
}

async function turns(count: number): Promise<void> {
  for (let turn = 0; turn < count; turn++) await new Promise((next) => setImmediate(next));
}

/** Lets the event loop turn until the time has come; finer than a timer. */
async function waitUs(us: number): Promise<void> {
  const untilMs = performance.now() + us / 1_000;
  do await turns(1);
  while (performance.now() < untilMs);
}

/** An editor that asks before it overwrites what it has not read: between its last look and its save nothing of this process can come. */
async function save(path: string, mark: string, how: Save): Promise<void> {
  const file = join(path, 'a.json');
  for (;;) {
    let read: string;
    try {
      read = readFileSync(file, 'utf8');
      const edited = JSON.stringify({ ...JSON.parse(read), [mark]: how }, undefined, 2);
      await turns(3);
      if (readFileSync(file, 'utf8') !== read) continue;
      return await put(file, edited, how);
    } catch {
      await turns(1);
    }
  }
}

async function put(file: string, text: string, how: Save): Promise<void> {
  switch (how) {
    case 'in place':
      return writeFileSync(file, text);
    case 'in two halves':
      writeFileSync(file, text.slice(0, text.length / 2));
      await turns(5);
      return writeFileSync(file, text);
    case 'rename over':
      writeFileSync(`${file}.new`, text);
      return renameSync(`${file}.new`, file);
    case 'backup dance':
      renameSync(file, `${file}~`);
      await turns(5);
      writeFileSync(file, text);
      return unlinkSync(`${file}~`);
    case 'delete and create':
      unlinkSync(file);
      await turns(5);
      return writeFileSync(file, text);
  }
}

const delayUs = fc.nat(12_000);
const own = fc.oneof(
  fc.record({ kind: fc.constantFrom('refresh' as const, 'patch' as const), by: fc.constantFrom('one' as const, 'two' as const), delayUs }),
  fc.record({ kind: fc.constant('save' as const), how: fc.constantFrom<Save>('in place', 'in two halves', 'rename over', 'backup dance', 'delete and create'), delayUs }),
);
const processes = fc.record({ kind: fc.constantFrom('refresh' as const, 'patch' as const), by: fc.constantFrom('one' as const, 'two' as const, 'other process' as const), delayUs });
// All steps of a round overlap. The other process takes no part in rounds with an editor: what comes between an editor's
// last look and its save is the editor's to lose, and no writer's.
const rounds = fc.array(fc.oneof(fc.array<Step>(own, { minLength: 2, maxLength: 6 }), fc.array<Step>(processes, { minLength: 2, maxLength: 6 })), { minLength: 1, maxLength: 4 });

describe('refresh, edit and an editor’s save at once', () => {
  it('no operator field and no token is ever lost', async () => {
    await fc.assert(
      fc.asyncProperty(rounds, async (plan) => {
        const root = mkdtempSync(join(tmpdir(), 'keyward-interleave-'));
        const path = join(root, 'auth');
        mkdirSync(path, { mode: 0o700 });
        writeFileSync(join(path, 'a.json'), JSON.stringify({ type: 'claude', email: 'ann@example.com', access_token: 'at-0', refresh_token: 'rt-0', x_unknown: [1.0, 'ü'] }), { mode: 0o600 });
        const deps = { path, clock: systemClock, log: silentLogger, uid: process.getuid?.(), ofFileType, keyring: plainKeyring, hasEvents: false };
        const [one, two] = [await openAuthDirectory(deps), await openAuthDirectory(deps)];
        const writers = { one, two };
        const headers: string[] = [];
        const marks: string[] = [];
        // One refresh at a time is the keeper's promise, not the writer's.
        let refreshing: Promise<boolean> = Promise.resolve(true);
        let token = 0;

        const refreshBy = async ({ tokenWriter }: OpenAuthDirectory, next: number): Promise<boolean> => {
          const reserved = await tokenWriter.reserve('a.json');
          if (!reserved.ok) return false;
          const committed = await reserved.value.commit({ tokens: tokenSet(`at-${next}`, `rt-${next}`) });
          await reserved.value.release();
          return committed.ok;
        };
        const run = async (step: Step): Promise<boolean> => {
          await waitUs(step.delayUs);
          if (step.kind === 'save') {
            const mark = `e_${marks.length}`;
            marks.push(mark);
            await saving(mark, step.how);
            return true;
          }
          const { by } = step;
          if (step.kind === 'patch') {
            const header = `x-h${headers.length}`;
            headers.push(header);
            return by === 'other process' ? askOther({ path, header }) : (await writers[by].accountWriter.patch('a.json', { headers: { [header]: '1' } })).ok;
          }
          refreshing = refreshing.then(async (wasOk) => {
            const next = ++token;
            const isOk = by === 'other process' ? await askOther({ path, token: next }) : await refreshBy(writers[by], next);
            return wasOk && isOk;
          });
          return refreshing;
        };
        // One editor, one save after another.
        let editing: Promise<void> = Promise.resolve();
        const saving = (mark: string, how: Save): Promise<void> => (editing = editing.then(() => save(path, mark, how)));

        try {
          for (const round of plan) expect(await Promise.all(round.map(run))).toEqual(round.map(() => true));
          const final: Record<string, unknown> = JSON.parse(readFileSync(join(path, 'a.json'), 'utf8'));
          expect(final).toMatchObject({ refresh_token: `rt-${token}`, access_token: `at-${token}`, email: 'ann@example.com', x_unknown: [1, 'ü'] });
          expect(Object.keys(final['headers'] ?? {}).sort()).toEqual([...headers].sort());
          expect(Object.keys(final).filter((name) => name.startsWith('e_')).sort()).toEqual([...marks].sort());
        } finally {
          await one.directory.close();
          await two.directory.close();
          rmSync(root, { recursive: true, force: true });
        }
      }),
      { numRuns: 60 },
    );
  }, 120_000);
});

describe('a save in the very instant of a rename', () => {
  /** Commits as usual, but the first time an editor saves in place between the last look and the rename. */
  function withEditor(prepared: PreparedWrite, file: string, saved: readonly string[]): PreparedWrite {
    let commits = 0;
    return {
      ...prepared,
      commit: (bytes, options = {}) => {
        if (commits++ > 0) return prepared.commit(bytes, options);
        const rename = async (from: string, to: string): Promise<void> => {
          const [whole = '', ...halves] = saved;
          writeFileSync(to, whole);
          renameSync(from, to);
          for (const half of halves) setTimeout(() => writeFileSync(join(file, '..', '.keyward', 'backups', 'a.json'), half), 60);
        };
        return prepared.commit(bytes, { ...options, rename });
      },
    };
  }

  const claude = { type: 'claude', email: 'ann@example.com', access_token: 'at-1', refresh_token: 'rt-1' };

  async function commit(saved: readonly string[]): Promise<{ readonly folder: ReturnType<typeof makeAuthFolder>; readonly isOk: boolean }> {
    const folder = makeAuthFolder();
    folder.put('a.json', claude);
    await folder.open();
    const file = join(folder.path, 'a.json');
    const prepared = await prepareDurableWrite(file, { room: 0 });
    if (!prepared.ok) throw new Error(prepared.error.kind);
    const changed = await changeFile<never>(folder.deps, 'a.json', withEditor(prepared.value, file, saved), ({ members }) => ({ ok: true, value: tokenChanges(members, { tokens: tokenSet('at-2', 'rt-2') }) }));
    await prepared.value.discard();
    return { folder, isOk: changed.ok && readTokens(changed.value.members).refreshToken?.reveal() === 'rt-2' };
  }

  it('is united with the new tokens', async () => {
    const { folder, isOk } = await commit([JSON.stringify({ ...claude, prefix: 'saved', disabled: true })]);
    expect(isOk).toBe(true);
    expect(folder.json('a.json')).toEqual({ ...claude, prefix: 'saved', disabled: true, access_token: 'at-2', refresh_token: 'rt-2' });
  });

  it('is waited for where it is half written', async () => {
    const text = JSON.stringify({ ...claude, prefix: 'saved' });
    const { folder, isOk } = await commit([text.slice(0, 30), text]);
    expect(isOk).toBe(true);
    expect(folder.json('a.json')).toMatchObject({ prefix: 'saved', refresh_token: 'rt-2' });
  });

  it('that never becomes whole is kept as the old version, and the tokens stand', async () => {
    const { folder, isOk } = await commit(['{"type":"claude","prefix":"sa']);
    expect(isOk).toBe(true);
    expect(folder.json('a.json')).toMatchObject({ refresh_token: 'rt-2' });
    expect(readFileSync(join(folder.path, '.keyward', 'backups', 'a.json'), 'utf8')).toBe('{"type":"claude","prefix":"sa');
  });
});
