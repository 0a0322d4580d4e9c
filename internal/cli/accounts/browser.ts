import { spawn } from 'node:child_process';

/** The system's own program that opens an address in the person's browser. */
function openerOf(platform: NodeJS.Platform): readonly string[] {
  if (platform === 'darwin') return ['open'];
  // `start` would hand the address to a command interpreter, which reads `&` as its own.
  if (platform === 'win32') return ['rundll32', 'url.dll,FileProtocolHandler'];
  return ['xdg-open'];
}

/**
 * Opens a web address in the person's browser, without a shell in between. False when it is no web address or nothing
 * here opens one; true tells that the opener ran, not that a page is seen. Never rejects.
 */
export function openInBrowser(platform: NodeJS.Platform, address: string): Promise<boolean> {
  const url = URL.parse(address);
  if (url === null || (url.protocol !== 'https:' && url.protocol !== 'http:')) return Promise.resolve(false);
  const [program = '', ...args] = openerOf(platform);
  return new Promise((resolve) => {
    const opener = spawn(program, [...args, url.href], { stdio: 'ignore', detached: true });
    opener.once('error', () => resolve(false));
    opener.once('spawn', () => {
      opener.unref();
      resolve(true);
    });
  });
}
