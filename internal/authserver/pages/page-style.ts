import { headersFor, pageStyle } from '../../upstreamauth/page-style.ts';

/** What forms need beyond the login pages: fields, buttons, lists of rights. */
export const formStyle = `${pageStyle}
:root{--accent:#1f5fd0;--accent-ink:#fff;--accent-ground:#e6eefc;--field:#fff;--field-line:#868e9e}
@media (prefers-color-scheme:dark){:root{--accent:#8db4ff;--accent-ink:#0b1733;--accent-ground:#16264a;--field:#0e1116;--field-line:#6e7788}}
.ask{color:var(--accent);background:var(--accent-ground)}
form{margin:0}
label{display:block;font-weight:600;margin:22px 0 6px}
.hint{color:var(--soft);font-size:.94rem;margin:0 0 8px}
input[type=text]{display:block;width:100%;font:600 1.5rem/1.3 ui-monospace,SFMono-Regular,Menlo,Consolas,"Liberation Mono",monospace;letter-spacing:.12em;padding:12px 14px;color:var(--ink);background:var(--field);border:1px solid var(--field-line);border-radius:10px;text-transform:uppercase}
input[aria-invalid=true]{border-color:var(--bad);border-width:2px}
.error{margin:8px 0 0;color:var(--bad);font-weight:600}
.buttons{display:flex;flex-wrap:wrap;gap:12px;margin-top:26px}
.button{display:inline-block;font-family:inherit;font-size:1rem;font-weight:600;line-height:1.3;padding:12px 22px;border-radius:10px;border:1px solid var(--field-line);background:transparent;color:var(--ink);cursor:pointer;text-align:center;text-decoration:none}
.button.go{background:var(--accent);border-color:var(--accent);color:var(--accent-ink)}
.button:hover{filter:brightness(1.06)}
:focus-visible{outline:3px solid var(--accent);outline-offset:2px}
.code{font:700 1.35rem/1.3 ui-monospace,SFMono-Regular,Menlo,Consolas,"Liberation Mono",monospace;letter-spacing:.1em}
.warning{margin:22px 0 0;padding:14px 16px;border-radius:10px;background:var(--bad-ground);border-left:4px solid var(--bad)}
.warning p:last-child,.note p:last-child{margin:0}
.warning strong{color:var(--bad)}
.rights{margin:-2px 0 0;padding:0;list-style:none}
.rights li{padding:2px 0 2px 20px;position:relative}
.rights li::before{content:"";position:absolute;left:2px;top:.72em;width:7px;height:7px;border-radius:50%;background:var(--soft)}
.rights li.manages::before{background:var(--bad)}
.rights small{display:inline-block;color:var(--bad);font-weight:600;font-size:.82rem;margin-left:4px}
.tick{display:flex;gap:12px;align-items:flex-start;margin:20px 0 0;font-weight:600}
.tick input{flex:none;width:22px;height:22px;margin:1px 0 0;accent-color:var(--accent)}
.who{margin:26px 0 0;padding-top:16px;border-top:1px solid var(--line);color:var(--soft);font-size:.94rem;display:flex;flex-wrap:wrap;gap:4px 10px;align-items:baseline}
.who form{display:inline}
.link{font:inherit;color:var(--accent);background:none;border:0;padding:4px 0;text-decoration:underline;cursor:pointer}
a{color:var(--accent)}
.close code{white-space:nowrap}
@media (max-width:520px){.buttons{flex-direction:column}.button{width:100%}input[type=text]{font-size:1.3rem}}
`;

/** Of pages with a form. */
export const formHeaders: Readonly<Record<string, string>> = headersFor({ style: formStyle, hasForm: true });
/** Of pages without one. */
export const plainHeaders: Readonly<Record<string, string>> = headersFor({ style: formStyle, hasForm: false });
