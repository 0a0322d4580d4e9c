import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import { resolve } from 'node:path';
import { chromium, type Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { donePage, failedPage, notFoundPage, refusalPage, waitingPage } from '../../../internal/upstreamauth/pages.ts';
import type { PageAnswer } from '../../../internal/upstreamauth/ports.ts';
import { findProgram } from '../../support/find-program.ts';
import { comparePicture } from '../../support/screenshots.ts';
import { lowestContrast } from '../../support/page-contrast.ts';

const golden = resolve(import.meta.dirname, '../../golden/pages');
const directory = '/home/ann/.keyward/auth';
const longWord = 'x'.repeat(120);

/** What a hostile vendor or file name could bring. */
const hostile = `<img src=x onerror=alert(1)> "quoted" \u202egnp.exe\u0007 ${longWord}`;

const pages: Readonly<Record<string, PageAnswer>> = {
  done: donePage('Claude (Anthropic)', { kind: 'done', fileName: 'claude-1a2b3c4d-ann@example.com.json', label: 'claude (ann@example.com)', isDisabled: false }, { directory, isUnproven: false }),
  confirm: donePage('Antigravity (Google)', { kind: 'done', fileName: 'antigravity-ann@example.com.json', label: 'antigravity (ann@example.com)', isDisabled: true }, { directory, isUnproven: true }),
  expired: refusalPage({ kind: 'failed', code: 'login_state_expired', message: 'This login was not finished in time.' }, 'ChatGPT (Codex)'),
  denied: refusalPage({ kind: 'failed', code: 'login_denied', message: `Corp did not grant the login (access_denied): ${hostile}` }, 'Corp'),
};
const others: readonly PageAnswer[] = [waitingPage('Qwen'), notFoundPage(), failedPage(), donePage(hostile, { kind: 'done', fileName: hostile, label: hostile, isDisabled: true }, { directory: hostile, isUnproven: true }), donePage('Claude', { kind: 'done', fileName: 'claude.json', label: 'claude', isDisabled: true }, { directory: '', isUnproven: false })];

const sizes = { wide: { width: 1_280, height: 800 }, narrow: { width: 360, height: 780 } } as const;
const schemes = ['light', 'dark'] as const;
const cases = Object.keys(pages).flatMap((name) => (['wide', 'narrow'] as const).flatMap((size) => schemes.map((scheme) => [name, size, scheme] as const)));

const executablePath = findProgram('chromium') ?? findProgram('chromium-browser') ?? findProgram('google-chrome');

if (executablePath === undefined) {
  it('needs a Chromium to look at the login pages, and this machine has none', () => {
    expect(findProgram('chromium')).toBeUndefined();
  });
} else {
  describe('login pages in a real browser', () => {
    let browser: Browser;
    let server: Server;
    let base: string;

    beforeAll(async () => {
      server = createServer((req, res) => {
        const answer = pages[(req.url ?? '').slice(1)] ?? others[Number((req.url ?? '').slice(1))];
        if (answer === undefined) res.writeHead(404).end();
        else res.writeHead(answer.status, answer.headers).end(answer.body);
      }).listen(0, '127.0.0.1');
      await once(server, 'listening');
      const address = server.address();
      base = `http://127.0.0.1:${typeof address === 'object' ? address?.port : 0}`;
      browser = await chromium.launch({ executablePath, args: ['--no-sandbox', '--disable-gpu', '--font-render-hinting=none'] });
    }, 60_000);

    afterAll(async () => {
      await browser.close();
      server.closeAllConnections();
      server.close();
    });

    it.each(cases)('%s, %s, %s: looks as it is kept, fits the window, and breaks no rule of its policy', async (name, size, scheme) => {
      const context = await browser.newContext({ viewport: sizes[size], colorScheme: scheme, deviceScaleFactor: 1 });
      const page = await context.newPage();
      const complaints: string[] = [];
      const requests: string[] = [];
      page.on('console', (message) => complaints.push(message.text()));
      page.on('pageerror', (error) => complaints.push(error.message));
      page.on('request', (request) => requests.push(new URL(request.url()).pathname));
      await page.goto(`${base}/${name}`);
      const distance = await comparePicture(page, resolve(golden, `${name}-${size}-${scheme}.png`));
      expect(distance.isSameSize).toBe(true);
      expect(distance.differingShare).toBeLessThan(0.02);
      expect(await page.evaluate('document.documentElement.scrollWidth <= window.innerWidth')).toBe(true);
      // The status of a refusal is told on the console, and the icon that browsers ask for by themselves.
      expect(complaints.filter((text) => !text.startsWith('Failed to load resource'))).toEqual([]);
      expect(requests.filter((path) => path !== '/favicon.ico')).toEqual([`/${name}`]);
      await context.close();
    });

    it('every page has one heading, a language, a title, and text that can be read against its ground', async () => {
      for (const scheme of schemes) {
        const context = await browser.newContext({ viewport: sizes.wide, colorScheme: scheme });
        const page = await context.newPage();
        for (const path of [...Object.keys(pages), ...others.keys()]) {
          await page.goto(`${base}/${path}`);
          expect(await page.locator('h1').count()).toBe(1);
          expect(await page.locator('main').count()).toBe(1);
          expect(await page.locator('html').getAttribute('lang')).toBe('en');
          expect(await page.title()).toMatch(/ · Keyward$/);
          expect(await page.evaluate(lowestContrast)).toBeGreaterThan(4.5);
        }
        await context.close();
      }
    });

    it('foreign text stays text: no element, no script, no hidden turn of direction', async () => {
      const page = await browser.newPage();
      let hasAlert = false;
      page.on('dialog', (dialog) => {
        hasAlert = true;
        void dialog.dismiss();
      });
      for (const path of ['denied', '3']) {
        await page.goto(`${base}/${path}`);
        expect(await page.locator('img').count()).toBe(0);
        expect(await page.locator('body').innerText()).toContain('<img src=x onerror=alert(1)>');
        expect(await page.locator('body').innerText()).toContain(String.raw`\u202egnp.exe\x07`);
      }
      expect(hasAlert).toBe(false);
      await page.close();
    });
  });
}
