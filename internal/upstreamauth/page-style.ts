import { createHash } from 'node:crypto';

/** The style of the login pages; the content security policy allows exactly these bytes. */
export const pageStyle = `
:root{color-scheme:light dark;--ground:#f3f4f7;--card:#fff;--ink:#171a21;--soft:#555d6e;--line:#dfe2e9;--good:#0f7a45;--good-ground:#e3f5ea;--bad:#b3261e;--bad-ground:#fdebe9;--wait:#8a5a00;--wait-ground:#fdf1d8;--code:#f3f4f7}
@media (prefers-color-scheme:dark){:root{--ground:#0e1116;--card:#171b22;--ink:#e9ecf2;--soft:#a2abbb;--line:#2b313c;--good:#62d394;--good-ground:#12301f;--bad:#ff8f86;--bad-ground:#3a1714;--wait:#f2c261;--wait-ground:#35280d;--code:#0e1116}}
*{box-sizing:border-box}
html{-webkit-text-size-adjust:100%}
body{margin:0;min-height:100vh;min-height:100dvh;display:flex;flex-direction:column;align-items:center;justify-content:center;padding:24px 16px;background:var(--ground);color:var(--ink);font:16px/1.55 system-ui,-apple-system,"Segoe UI",Roboto,"Noto Sans",sans-serif}
main{width:100%;max-width:560px;background:var(--card);border:1px solid var(--line);border-radius:16px;padding:36px 40px 32px;box-shadow:0 1px 2px rgb(0 0 0/.05),0 12px 32px rgb(0 0 0/.07)}
.mark{display:inline-flex;width:52px;height:52px;border-radius:50%;align-items:center;justify-content:center;margin-bottom:18px}
.mark svg{width:26px;height:26px;fill:none;stroke:currentColor;stroke-width:2.4;stroke-linecap:round;stroke-linejoin:round}
.good{color:var(--good);background:var(--good-ground)}
.bad{color:var(--bad);background:var(--bad-ground)}
.wait{color:var(--wait);background:var(--wait-ground)}
h1{font-size:1.5rem;line-height:1.25;margin:0 0 10px;letter-spacing:-.01em;overflow-wrap:anywhere}
p{margin:0 0 12px;overflow-wrap:anywhere}
.lead{color:var(--soft)}
dl{margin:22px 0 0;border-top:1px solid var(--line)}
dl div{display:grid;grid-template-columns:8.5em 1fr;gap:4px 16px;padding:11px 0;border-bottom:1px solid var(--line)}
dt{color:var(--soft)}
dd{margin:0;overflow-wrap:anywhere}
code{font:.9em/1.5 ui-monospace,SFMono-Regular,Menlo,Consolas,"Liberation Mono",monospace;background:var(--code);border:1px solid var(--line);border-radius:6px;padding:1px 6px;-webkit-box-decoration-break:clone;box-decoration-break:clone}
.note{margin:22px 0 0;padding:13px 16px;border-radius:10px;background:var(--wait-ground);color:var(--ink)}
.note strong{color:var(--wait)}
.close{margin:24px 0 0;color:var(--soft);font-size:.94rem}
footer{margin-top:20px;color:var(--soft);font-size:.86rem;letter-spacing:.04em}
@media (max-width:520px){body{justify-content:flex-start;padding-top:28px}main{padding:26px 22px 24px}dl div{grid-template-columns:1fr}h1{font-size:1.32rem}}
`;

export interface PagePolicy {
  /** The one style that may apply. */
  readonly style: string;
  /** Whether the page has a form, which then goes to this origin alone. */
  readonly hasForm: boolean;
}

/** Nothing is loaded, no script runs, no page frames it, and its address goes nowhere. */
export function headersFor({ style, hasForm }: PagePolicy): Readonly<Record<string, string>> {
  const styleHash = createHash('sha256').update(style).digest('base64');
  return {
    'content-type': 'text/html; charset=utf-8',
    'cache-control': 'no-store',
    // With `no-referrer` browsers send forms with `Origin: null`, which no door can tell from a foreign page.
    // @see https://fetch.spec.whatwg.org/#append-a-request-origin-header
    'referrer-policy': hasForm ? 'same-origin' : 'no-referrer',
    'x-content-type-options': 'nosniff',
    'x-frame-options': 'DENY',
    'cross-origin-opener-policy': 'same-origin',
    'content-security-policy': `default-src 'none'; style-src 'sha256-${styleHash}'; base-uri 'none'; form-action ${hasForm ? "'self'" : "'none'"}; frame-ancestors 'none'`,
  };
}

/** On every login page. */
export const pageHeaders: Readonly<Record<string, string>> = headersFor({ style: pageStyle, hasForm: false });
