import { expect } from 'vitest';
import { ask, memberOf, type Asked, type Question } from './ask.ts';
import { until } from './until.ts';

/** Logins through a daemon's management API, as a panel makes them. */
export interface ManagementLogins {
  readonly management: (path: string, question?: Question) => Promise<Asked>;
  /** `<name>-auth-url`; the state is kept among the secrets. */
  readonly start: (name: string, query?: string) => Promise<{ readonly url: string; readonly state: string; readonly userCode: string }>;
  /** Opens the redirect as the browser would, and its page; the file's name. */
  readonly land: (redirect: string, state: string) => Promise<string>;
  /** Waits for a login that ends by itself; the file's name. */
  readonly ended: (state: string) => Promise<string>;
  /** Switches a file on, or off. */
  readonly confirm: (file: string, isDisabled?: boolean) => Promise<void>;
  /** States of all logins. */
  readonly states: readonly string[];
  /** What was told on the way, but for the answers that hold the state for whoever started the login. */
  readonly told: readonly string[];
}

export function createManagementLogins(url: string, secret: string): ManagementLogins {
  const states: string[] = [];
  const told: string[] = [];
  const management: ManagementLogins['management'] = async (path, question = {}) => {
    const answer = await ask(url, `/v0/management${path}`, { ...question, key: secret });
    if (!/-auth-url/.test(path)) told.push(`${JSON.stringify(answer.headers)}${answer.text}`);
    return answer;
  };
  return {
    management,
    states,
    told,
    start: async (name, query = '') => {
      const { status, json } = await management(`/${name}-auth-url${query}`);
      expect([name, status]).toEqual([name, 200]);
      const text = (member: string): string => {
        const value = memberOf(json, member);
        return typeof value === 'string' ? value : '';
      };
      states.push(text('state'));
      return { url: text('url'), state: text('state'), userCode: text('user_code') };
    },
    land: async (redirect, state) => {
      const callback = await fetch(redirect, { redirect: 'manual' });
      expect([callback.status, callback.headers.get('location')]).toEqual([303, expect.stringMatching(/^\/login\/[\w-]+$/)]);
      const page = await fetch(new URL(callback.headers.get('location') ?? '', redirect));
      const text = await page.text();
      told.push(JSON.stringify([...callback.headers]), text);
      expect(page.status).toBe(200);
      return String(memberOf((await management(`/get-auth-status?state=${state}`)).json, 'name'));
    },
    ended: async (state) => {
      let answer: unknown;
      await until('the login has ended', async () => {
        answer = (await management(`/get-auth-status?state=${state}`)).json;
        return memberOf(answer, 'status') !== 'wait';
      }, 10_000);
      expect(answer).toMatchObject({ status: 'ok' });
      return String(memberOf(answer, 'name'));
    },
    confirm: async (file, isDisabled = false) => {
      expect((await management('/auth-files/status', { method: 'PATCH', json: { name: file, disabled: isDisabled } })).status).toBe(200);
    },
  };
}
