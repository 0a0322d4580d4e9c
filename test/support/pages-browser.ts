import { createServer } from 'node:http';
import { once } from 'node:events';
import { chromium, type Browser, type Page } from 'playwright-core';
import { findProgram } from './find-program.ts';

export const chromiumPath = findProgram('chromium') ?? findProgram('chromium-browser') ?? findProgram('google-chrome');

export function startChromium(executablePath: string): Promise<Browser> {
  return chromium.launch({ executablePath, args: ['--no-sandbox', '--disable-gpu', '--font-render-hinting=none'] });
}

/** A browser profile of its own, with all that it complained of. */
export interface WatchedPage {
  readonly page: Page;
  readonly complaints: readonly string[];
  readonly heading: () => Promise<string>;
  readonly text: () => Promise<string>;
  readonly press: (button: string) => Promise<void>;
  readonly close: () => Promise<void>;
}

export async function openPage(browser: Browser, viewport = { width: 1_280, height: 900 }): Promise<WatchedPage> {
  const context = await browser.newContext({ viewport, colorScheme: 'light', deviceScaleFactor: 1 });
  const page = await context.newPage();
  const complaints: string[] = [];
  // The status of a refusal is told on the console, and the icon that browsers ask for by themselves.
  page.on('console', (message) => void (message.text().startsWith('Failed to load resource') || complaints.push(message.text())));
  page.on('pageerror', (error) => void complaints.push(error.message));
  return {
    page,
    complaints,
    heading: () => page.locator('h1').innerText(),
    text: () => page.locator('main').innerText(),
    press: async (button) => {
      await page.getByRole('button', { name: button }).click();
    },
    close: () => context.close(),
  };
}

/** What a program on this machine waits on for the browser to come back (RFC 8252 §7.3). */
export interface LoopbackProgram {
  readonly redirectUri: string;
  readonly returned: Promise<URL>;
  readonly close: () => void;
}

export async function openLoopbackProgram(): Promise<LoopbackProgram> {
  let settle: (url: URL) => void = () => undefined;
  const returned = new Promise<URL>((resolve) => (settle = resolve));
  const server = createServer((req, res) => {
    const url = new URL(req.url ?? '/', redirectUri);
    res.writeHead(200, { 'content-type': 'text/html' }).end('<h1>Back in the program</h1>');
    if (url.pathname === '/callback') settle(url);
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  const redirectUri = `http://127.0.0.1:${typeof address === 'object' && address !== null ? address.port : 0}/callback`;
  return {
    redirectUri,
    returned,
    close: () => {
      server.closeAllConnections();
      server.close();
    },
  };
}
