import { escapeForeign } from '../../log/escape.ts';
import type { StartedLogin } from '../../upstreamauth/ports.ts';
import { tunnelCommand, type Surroundings } from './surroundings.ts';

/** What the terminal says of a login that was started, without its last line about pasting. */
export function describeStart(started: StartedLogin, surroundings: Surroundings, isOpened: boolean): string {
  const opened = isOpened ? 'It was opened in your browser.\n' : '';
  if (started.userCode !== undefined) return `${describeDevice(started, started.userCode)}${opened}`;
  return `Open this page in a browser and allow access:\n\n  ${escapeForeign(started.url)}\n\n${opened}${describeWayBack(started, surroundings)}`;
}

/** The last line of the start: what this program waits for now. */
export function describeWaiting(started: StartedLogin): string {
  if (started.redirect === undefined) return 'Waiting until access is allowed there. Ctrl-C cancels.\n';
  return 'You can paste here at any time: the whole address that the browser ends on, or the code#state that\nthe page shows, then Enter. What you paste is not shown. Ctrl-C cancels.\n';
}

function describeDevice(started: StartedLogin, userCode: string): string {
  const code = escapeForeign(userCode);
  const line = '─'.repeat(code.length + 4);
  return `On any device, open this page:\n\n  ${escapeForeign(started.url)}\n\nand enter or confirm this code there:\n\n  ┌${line}┐\n  │  ${code}  │\n  └${line}┘\n\n`;
}

/** Whether the redirect arrives here, and what to do where it does not. */
function describeWayBack(started: StartedLogin, surroundings: Surroundings): string {
  const { redirect } = started;
  if (redirect === undefined) return '';
  const port = loopbackPort(redirect.uri);
  if (!redirect.isListening) return `The redirect cannot be taken here${redirect.obstacle === undefined ? '' : `: ${escapeForeign(redirect.obstacle)}`}.\nThe browser ends on a page of that program or on an error; paste its address here.\n\n`;
  if (port === undefined) return '';
  if (surroundings.ssh !== undefined) {
    return `This is an SSH session, and the browser will be sent to port ${port} of its own machine. Either connect that port first,\nin another terminal of the machine with the browser:\n\n  ${tunnelCommand(surroundings.ssh, port)}\n\nor let the browser end on an error page and paste its address here.\n\n`;
  }
  if (surroundings.isContainer) return `This is a container: where the browser's redirect to port ${port} does not reach it, the browser ends on an error page.\nPaste its address here then.\n\n`;
  return '';
}

/** The port of a redirect to the browser's own machine; undefined where it goes to a public address. */
function loopbackPort(uri: string): number | undefined {
  const url = URL.parse(uri);
  if (url === null || !/^(?:localhost|127\.0\.0\.1|\[::1\])$/.test(url.hostname)) return undefined;
  return url.port === '' ? (url.protocol === 'https:' ? 443 : 80) : Number(url.port);
}
