import { resolve } from 'node:path';
import { chromium, type Browser, type Page } from 'playwright-core';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { findProgram } from '../../support/find-program.ts';
import { startIdentityProvider, type IdentityProvider } from '../../support/identity-provider.ts';
import { createPeopleWorld, servePeople } from '../../support/people-world.ts';
import { comparePicture } from '../../support/screenshots.ts';
import { lowestContrast } from '../../support/page-contrast.ts';

/*
 * The pages of the authorization server in a real Chromium, behind the real door, with oidc-provider in a process of its own
 * as the operator's provider. What approves is in memory.
 */

const golden = resolve(import.meta.dirname, '../../golden/people-pages');
const sizes = { wide: { width: 1_280, height: 900 }, narrow: { width: 360, height: 780 } } as const;
const executablePath = findProgram('chromium') ?? findProgram('chromium-browser') ?? findProgram('google-chrome');
const secret = 'keyward-secret-0123456789-abcdef';
const hostile = '<img src=x onerror=alert(1)> \u202egnp.exe\u0007';

type Served = Awaited<ReturnType<typeof servePeople>>;

/** What the browser complained of, and asked for elsewhere. */
interface Watched {
  readonly page: Page;
  readonly complaints: string[];
  readonly close: () => Promise<void>;
}

if (executablePath === undefined) {
  it('needs a Chromium to look at the pages, and this machine has none', () => {
    expect(findProgram('chromium')).toBeUndefined();
  });
} else {
  describe('the pages of the authorization server in a real browser', () => {
    let browser: Browser;
    let provider: IdentityProvider | undefined;
    /** People sign in at the provider, which is another site. */
    let sso: Served;
    /** Codes of `keyward approve` stand in. */
    let local: Served;

    beforeAll(async () => {
      browser = await chromium.launch({ executablePath, args: ['--no-sandbox', '--disable-gpu', '--font-render-hinting=none'] });
      local = await servePeople((publicUrl) => Promise.resolve(createPeopleWorld({ publicUrl })));
      sso = await servePeople(async (publicUrl) => {
        provider = await startIdentityProvider({ signInRedirect: `${publicUrl}/oauth/signin/callback` });
        await provider.setAccount('ann', { name: 'Ann Example', groups: ['ml'] });
        return createPeopleWorld({ publicUrl, oidc: { issuer: provider.issuer, 'client-id': 'keyward', 'client-secret': secret, scopes: ['openid', 'profile', 'email', 'groups', 'offline_access'], 'group-scopes': { ml: ['models:use', 'models:read', 'keys:write'] } } });
      }, 'localhost');
    }, 60_000);

    beforeEach(() => provider?.signInAs('ann'));

    afterAll(async () => {
      await browser.close();
      await Promise.all([local.close(), sso.close()]);
      await provider?.stop();
    });

    const open = async (size: keyof typeof sizes = 'wide', scheme: 'light' | 'dark' = 'light'): Promise<Watched> => {
      const context = await browser.newContext({ viewport: sizes[size], colorScheme: scheme, deviceScaleFactor: 1 });
      const page = await context.newPage();
      const complaints: string[] = [];
      // The status of a refusal is told on the console, and the icon that browsers ask for by themselves.
      page.on('console', (message) => void (message.text().startsWith('Failed to load resource') || complaints.push(message.text())));
      page.on('pageerror', (error) => void complaints.push(error.message));
      page.on('dialog', (dialog) => {
        complaints.push(`a dialog: ${dialog.message()}`);
        void dialog.dismiss();
      });
      return { page, complaints, close: () => context.close() };
    };

    const heading = (page: Page): Promise<string> => page.locator('h1').innerText();

    /** Enters a code, signs in by an approval code, and stands before the question. */
    const reachLocally = async (page: Page, code: string): Promise<void> => {
      await page.goto(`${local.url}/device`);
      await page.getByLabel('Code', { exact: true }).fill(code.toLowerCase());
      await page.getByRole('button', { name: 'Continue' }).click();
      await page.getByLabel('Approval code').fill(local.world.people.approvalCodes.issue('ann').code);
      await page.getByRole('button', { name: 'Continue' }).click();
    };

    it('single sign-on: the code, the provider, the question with its warning, the approval', async () => {
      const { page, complaints, close } = await open();
      sso.world.devices.ask('BCDFGHJK', { scopes: ['models:use', 'keys:write'] });
      await page.goto(`${sso.url}/device?user_code=BCDF-GHJK`);
      // In the field, not sent off.
      expect(await page.getByLabel('Code', { exact: true }).inputValue()).toBe('BCDF-GHJK');
      expect(sso.world.devices.looks()).toBe(0);
      await page.keyboard.press('Enter');
      await page.waitForURL(`${sso.url}/device`);
      await page.getByRole('heading', { name: 'Let this device in?' }).waitFor();
      expect(await page.getByText('Only go on if you started this login yourself, just now, on a device you hold. Nobody from support will ever ask you to.').isVisible()).toBe(true);
      for (const words of ['BCDF-GHJK', 'Keyward CLI', 'keyward/1.0 linux', 'Make, change and revoke client keys', 'Signed in as Ann Example (ann@example.com)']) expect(await page.locator('main').innerText()).toContain(words);
      const twin = await page.context().newPage();
      await twin.goto(`${sso.url}/device`);
      await page.getByRole('button', { name: 'Approve' }).click();
      expect(await heading(page)).toBe('The device is in');
      const [person] = sso.world.persons.all();
      expect(sso.world.devices.ends.get('BCDFGHJK')).toEqual({ person: person?.id, scopes: ['models:use', 'keys:write'] });
      const cookies = await page.context().cookies(sso.url);
      expect(cookies.filter(({ name }) => name === 'keyward_session')).toMatchObject([{ httpOnly: true, sameSite: 'Lax', secure: false, path: '/' }]);

      // The same form once more, from a tab that was left open; and the way back shows no form any more.
      await twin.getByRole('button', { name: 'Approve' }).click();
      expect(await heading(twin)).toBe('That code is used');
      await page.goBack();
      expect(await heading(page)).toBe('Connect a device');
      expect(complaints).toEqual([]);
      await close();
    });

    it('a link from another site fills the field in; a form of another site does nothing', async () => {
      const { page, close } = await open();
      await page.goto(provider?.issuer ?? '');
      await page.setContent(`<a href="${sso.url}/device?user_code=CCCC-CCCC">here</a><form method="post" action="${sso.url}/device"><input name="step" value="enter"><input name="user_code" value="BCDFGHJK"><button>go</button></form>`);
      await page.getByRole('link').click();
      await page.waitForURL(/\/device\?/);
      expect(await page.getByLabel('Code', { exact: true }).inputValue()).toBe('CCCC-CCCC');
      await page.goto(provider?.issuer ?? '');
      await page.setContent(`<form method="post" action="${sso.url}/device"><input name="step" value="enter"><input name="user_code" value="BCDFGHJK"><button>go</button></form>`);
      const [answer] = await Promise.all([page.waitForResponse(`${sso.url}/device`), page.getByRole('button').click()]);
      expect(answer.status()).toBe(403);
      await close();
    });

    it('no page may frame it: the door refuses those of others, the policy our own', async () => {
      const { page, close } = await open();
      for (const [from, status, frameUrl] of [
        [provider?.issuer ?? '', 403, `${local.url}/device`],
        [`${local.url}/nowhere`, 200, 'chrome-error://chromewebdata/'],
      ] as const) {
        await page.goto(from);
        const [answer] = await Promise.all([page.waitForResponse(`${local.url}/device`), page.setContent(`<iframe src="${local.url}/device"></iframe>`)]);
        expect(answer.status()).toBe(status);
        await expect.poll(() => page.frames()[1]?.url()).toBe(frameUrl);
        expect(await page.frames()[1]?.locator('input').count()).toBe(0);
      }
      await close();
    });

    it('a wrong group is told so, “Not you?” asks the provider again', async () => {
      const { page, complaints, close } = await open();
      sso.world.devices.ask('DDDDDDDD');
      await page.goto(`${sso.url}/device`);
      await provider?.signInAs('mallory');
      await page.getByLabel('Code', { exact: true }).fill('dddd dddd');
      await page.getByRole('button', { name: 'Continue' }).click();
      await page.getByRole('heading', { name: 'You may not sign in here' }).waitFor();
      expect(await page.locator('main').innerText()).toContain('You are in none of the groups');
      expect(await comparePictureOf(page, 'refused-wide-light')).toBe('same');
      await provider?.signInAs('ann');
      await page.getByRole('link', { name: 'Sign in as somebody else' }).click();
      await page.getByRole('heading', { name: 'Let this device in?' }).waitFor();

      const other = await open();
      await other.page.goto(`${sso.url}/device?user_code=DDDDDDDD`);
      await other.page.getByRole('button', { name: 'Continue' }).click();
      await other.page.getByRole('heading', { name: 'Let this device in?' }).waitFor();
      await provider?.setAccount('bob', { name: 'Bob Example', groups: ['ml'] });
      await provider?.signInAs('bob');
      await other.page.getByRole('button', { name: 'Not you?' }).click();
      await other.page.getByText('Signed in as Bob Example').waitFor();
      await other.page.getByRole('button', { name: 'Deny' }).click();
      expect(await heading(other.page)).toBe('The device stays out');
      expect(sso.world.devices.ends.get('DDDDDDDD')).toBe('denied');
      expect([...complaints, ...other.complaints]).toEqual([]);
      await close();
      await other.close();
    });

    it('a login in the browser: sign-in, consent, and the way back to the program', async () => {
      const { page, complaints, close } = await open();
      sso.world.logins.ask('uid-1');
      await page.goto(`${sso.url}/oauth/interaction/uid-1`);
      await page.getByRole('heading', { name: 'Let this application in?' }).waitFor();
      expect(await comparePictureOf(page, 'consent-wide-light')).toBe('same');
      await page.getByRole('button', { name: 'Approve' }).click();
      await page.waitForURL(`${sso.url}/oauth/authorize/uid-1`);
      expect(sso.world.logins.ends.get('uid-1')).toMatchObject({ person: { subject: 'ann' }, scopes: ['models:use'] });
      expect(complaints).toEqual([]);
      await close();
    });

    it('without a provider: wrong code, expired code, another network, denial', async () => {
      const { page, complaints, close } = await open();
      local.world.devices.ask('FFFFFFFF', { expiresAtMs: Date.now() });
      await reachLocally(page, 'zzzz-zzzz');
      expect(await page.getByRole('alert').innerText()).toContain('No login waits under this code.');
      expect(await page.getByLabel('Code', { exact: true }).getAttribute('aria-invalid')).toBe('true');
      expect(await page.evaluate('document.activeElement?.id')).toBe('user_code');
      expect(await comparePictureOf(page, 'wrong-wide-light')).toBe('same');
      await page.getByLabel('Code', { exact: true }).fill('ffffffff');
      await page.getByRole('button', { name: 'Continue' }).click();
      expect(await heading(page)).toBe('This code is too old');
      await page.getByRole('link', { name: 'enter its new code' }).click();
      local.world.devices.ask('GGGGGGGG', { requestedFrom: '198.51.100.7', clientName: hostile, userAgent: hostile });
      await page.getByLabel('Code', { exact: true }).fill('gggg-gggg');
      await page.getByRole('button', { name: 'Continue' }).click();
      expect(await page.locator('main').innerText()).toContain('The device is in another network than you.');
      expect(await page.locator('img').count()).toBe(0);
      expect(await page.locator('main').innerText()).toContain(String.raw`<img src=x onerror=alert(1)> \u202egnp.exe\x07`);
      // The browser holds the form back until it is ticked.
      await page.getByRole('button', { name: 'Approve' }).click();
      expect(local.world.devices.ends.size).toBe(0);
      await page.getByLabel('I started this login myself').check();
      await page.getByRole('button', { name: 'Deny' }).click();
      expect(await heading(page)).toBe('The device stays out');
      expect(local.world.devices.ends.get('GGGGGGGG')).toBe('denied');
      expect(complaints).toEqual([]);
      await close();
    });

    it.each((['wide', 'narrow'] as const).flatMap((size) => (['light', 'dark'] as const).map((scheme) => [size, scheme] as const)))('every page, %s, %s: as it is kept, inside the window, readable', async (size, scheme) => {
      const { page, complaints, close } = await open(size, scheme);
      const look = async (name: string): Promise<void> => {
        expect(await page.evaluate('document.documentElement.scrollWidth <= window.innerWidth'), name).toBe(true);
        expect(await page.evaluate<number>(lowestContrast), name).toBeGreaterThan(4.5);
        expect([await page.locator('h1').count(), await page.locator('main').count(), await page.locator('html').getAttribute('lang')], name).toEqual([1, 1, 'en']);
        expect(await page.evaluate('[...document.querySelectorAll("input:not([type=hidden])")].every((field) => field.labels.length === 1)'), name).toBe(true);
        expect(await comparePictureOf(page, `${name}-${size}-${scheme}`), name).toBe('same');
      };
      const far = { requestedFrom: '203.0.113.7', clientName: 'Keyward CLI', userAgent: 'keyward/1.4.0 (linux x64) build-server-07', scopes: ['models:use', 'models:read', 'keys:write', 'secrets:read'], requestedAtMs: Date.now() - 120_000 };
      local.world.devices.ask('HHHHHHHH');
      local.world.devices.ask('JJJJJJJJ', far);
      await page.goto(`${local.url}/device`);
      await look('enter');
      await page.getByLabel('Code', { exact: true }).fill('HHHH-HHHH');
      await page.getByRole('button', { name: 'Continue' }).click();
      await look('approval-code');
      await page.getByLabel('Approval code').fill(local.world.people.approvalCodes.issue('ann').code);
      await page.getByRole('button', { name: 'Continue' }).click();
      await look('confirm');
      await page.getByRole('button', { name: 'Approve' }).click();
      await look('approved');
      await page.goto(`${local.url}/device`);
      await page.getByLabel('Code', { exact: true }).fill('JJJJ-JJJJ');
      await page.getByRole('button', { name: 'Continue' }).click();
      await look('elsewhere');
      await page.getByRole('button', { name: 'Deny' }).click();
      await look('denied');
      expect(complaints).toEqual([]);
      await close();
    });
  });
}

/** The whole page, as high as it is. */
async function comparePictureOf(page: Page, name: string): Promise<string> {
  const { differingShare, isSameSize } = await comparePicture(page, resolve(golden, `${name}.png`), { isWhole: true });
  return isSameSize && differingShare < 0.02 ? 'same' : `${name} differs in ${Math.round(differingShare * 1_000) / 10} %${isSameSize ? '' : ' and in size'}`;
}
