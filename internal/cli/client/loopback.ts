import { findFreePort } from '../free-port.ts';
import { systemClock } from '../../clock/clock.ts';
import { silentLogger } from '../../log/logger.ts';
import { randomToken } from '../../secret/digest.ts';
import { formatPage, redirectTo } from '../../upstreamauth/pages.ts';
import { parseQuery } from '../../upstreamauth/parse-return.ts';
import type { PageAnswer } from '../../upstreamauth/ports.ts';
import { createRedirectPorts } from '../../upstreamauth/redirect-ports.ts';

/** Waits on a free port of this machine for the browser to come back (RFC 8252 §7.3). */
export interface Loopback {
  /** `http://127.0.0.1:PORT/callback` */
  readonly redirectUri: string;
  /** Resolves with the address, query and all, that the browser was sent to; only one with our `state` counts. */
  readonly returned: Promise<URL>;
  /** What the browser is shown, on an address without a code. */
  readonly show: (page: PageAnswer) => void;
  /** Resolves when the page was fetched, or `patienceMs` have passed. */
  readonly shown: (patienceMs: number) => Promise<void>;
  readonly close: () => Promise<void>;
}

/** Rejects when no port can be opened. */
export async function openLoopback(state: string): Promise<Loopback> {
  const pageId = randomToken(12);
  let settleReturned: (url: URL) => void = () => undefined;
  let settlePage: (page: PageAnswer) => void = () => undefined;
  let settleShown: () => void = () => undefined;
  const returned = new Promise<URL>((resolve) => (settleReturned = resolve));
  const page = new Promise<PageAnswer>((resolve) => (settlePage = resolve));
  const shown = new Promise<void>((resolve) => (settleShown = resolve));
  const port = await findFreePort();
  const redirectUri = `http://127.0.0.1:${port}/callback`;

  const answer = async (_port: number, path: string, query: string): Promise<PageAnswer> => {
    if (path === `/login/${pageId}`) {
      settleShown();
      return page;
    }
    if (path !== '/callback') return refusal(404, 'There is nothing here', 'This address only takes the end of a login.');
    const parsed = parseQuery(query);
    if (!parsed.ok) return refusal(400, 'This address is not complete', parsed.error.message);
    if (parsed.value.state !== state) return refusal(400, 'This is another login', 'The state is not that of the login in the terminal, which still waits.');
    settleReturned(new URL(`${redirectUri}?${query}`));
    // Shown only once the tokens are had, and at an address that holds no code.
    await page;
    return redirectTo(pageId);
  };

  const ports = createRedirectPorts({ clock: systemClock, log: silentLogger, answer, graceMs: 0 });
  const opened = await ports.acquire(port);
  if (!opened.isListening) {
    await ports.close();
    throw new Error(opened.obstacle ?? `port ${port} cannot be opened`);
  }
  return {
    redirectUri,
    returned,
    show: settlePage,
    shown: (patienceMs) => {
      const stop = new AbortController();
      const patience = systemClock.sleep(patienceMs, stop.signal).catch(() => undefined);
      return Promise.race([shown.then(() => systemClock.sleep(50)), patience]).finally(() => stop.abort());
    },
    close: ports.close,
  };
}

function refusal(status: number, title: string, lead: string): PageAnswer {
  return formatPage(status, { tone: 'bad', title, lead, rows: [], close: 'You can close this window.' });
}
