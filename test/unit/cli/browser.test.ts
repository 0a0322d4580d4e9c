import { chmodSync, existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, vi } from 'vitest';
import { openInBrowser } from '../../../internal/cli/accounts/browser.ts';
import { until } from '../../support/until.ts';
import { createFolder } from './fake-process.ts';

/** A PATH on which the system's opener writes down what it was given. */
function stubOpener(): string {
  const folder = createFolder();
  const opener = join(folder, 'xdg-open');
  writeFileSync(opener, `#!/bin/sh\nprintf '%s\\n' "$@" > "${folder}/part" && mv "${folder}/part" "${folder}/seen"\n`);
  chmodSync(opener, 0o755);
  vi.stubEnv('PATH', `${folder}:/usr/bin:/bin`);
  return join(folder, 'seen');
}

describe('opening the browser', () => {
  it('hands the address over whole, without a shell in between', async () => {
    const seen = stubOpener();
    const address = 'https://id.example.com/authorize?a=1&b=$(reboot);c%20d#e';
    expect(await openInBrowser('linux', address)).toBe(true);
    await until('the opener to have run', () => existsSync(seen));
    expect(readFileSync(seen, 'utf8')).toBe(`${address}\n`);
  });

  it.each([['file:///etc/passwd'], ['--version'], ['javascript:alert(1)'], ['']])('%j is no web address and opens nothing', async (address) => {
    const seen = stubOpener();
    expect(await openInBrowser('linux', address)).toBe(false);
    expect(existsSync(seen)).toBe(false);
  });

  it('where nothing opens addresses, it says so', async () => {
    vi.stubEnv('PATH', createFolder());
    expect(await openInBrowser('linux', 'https://id.example.com/')).toBe(false);
  });
});
