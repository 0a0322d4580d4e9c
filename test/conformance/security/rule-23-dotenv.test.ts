import { chmodSync, mkdtempSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { addDotenv } from '../../../internal/config/dotenv.ts';

let folder = '';
let file = '';
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'keyward-rule23-'));
  file = join(folder, '.env');
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const uid = (): number => statSync(folder).uid;
const write = (text: string, mode = 0o600): void => {
  writeFileSync(file, text);
  chmodSync(file, mode);
};
const read = (env: Readonly<Record<string, string>> = {}, referenced: readonly string[] = []): ReturnType<typeof addDotenv> => addDotenv(file, env, new Set(referenced), uid());

describe('rule 23: a .env file sets listed names only', () => {
  it.each(['MANAGEMENT_PASSWORD', 'KEYWARD_OAUTH_CORP_CLIENT_SECRET', 'GEMINI_API_KEY'])('%s is set (the last because the config refers to it)', (name) => {
    write(`${name}="a value" # comment\n`);
    expect(read({}, ['GEMINI_API_KEY'])).toEqual({ ok: true, value: { [name]: 'a value' } });
  });

  it.each(['KEYWARD_CONFIG', 'KEYWARD_API_TOKEN', 'HTTP_PROXY', 'https_proxy', 'ALL_PROXY', 'KEYWARD_PROXY', 'NODE_OPTIONS', 'NODE_EXTRA_CA_CERTS', 'PATH', 'LD_PRELOAD', 'HOME', 'OTHER_KEY'])('%s is not', (name) => {
    write(`${name}=evil\n`);
    const referenced = name === 'OTHER_KEY' || name === 'PATH' || name === 'LD_PRELOAD' || name === 'HOME' ? [] : [name];
    expect(read({}, referenced)).toEqual({ ok: true, value: {} });
  });

  it('what the process has already wins; a blank counts as not set', () => {
    write('MANAGEMENT_PASSWORD=file\nKEYWARD_A=file\n');
    expect(read({ MANAGEMENT_PASSWORD: 'process', KEYWARD_A: '' })).toEqual({ ok: true, value: { MANAGEMENT_PASSWORD: 'process', KEYWARD_A: 'file' } });
  });

  it('no file is no change', () => {
    expect(read({ A: '1' })).toEqual({ ok: true, value: { A: '1' } });
  });

  it.each([0o620, 0o602, 0o666])('a file of mode %o, which others can write, is refused by its absolute path', (mode) => {
    write('MANAGEMENT_PASSWORD=evil\n', mode);
    expect(read()).toEqual({ ok: false, error: `${file} can be written by others and is not read; move it away, or mend that.` });
  });

  it('a file of another user, and a link, are refused', () => {
    write('MANAGEMENT_PASSWORD=evil\n');
    expect(addDotenv(file, {}, new Set(), uid() + 1)).toMatchObject({ ok: false, error: expect.stringMatching(/belongs to another user/) });
    symlinkSync(file, join(folder, 'link.env'));
    expect(addDotenv(join(folder, 'link.env'), {}, new Set(), uid())).toMatchObject({ ok: false, error: expect.stringMatching(/is a link/) });
  });
});
