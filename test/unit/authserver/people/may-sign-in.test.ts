import { describe, expect, it } from 'vitest';
import { parseDomain, parseEmail } from '../../../../internal/authserver/people/email-address.ts';
import { readIdentity, whatIsMissing } from '../../../../internal/authserver/people/identity.ts';
import { judgeSignIn, type Identity, type SignInRules } from '../../../../internal/authserver/people/may-sign-in.ts';
import { localPerson, personId } from '../../../../internal/clients/issued/person.ts';
import { shareOf } from '../../../../internal/authserver/people/person.ts';

const anybody: SignInRules = { allowedDomains: [], allowedEmails: [], groupScopes: {} };
const who = (change: Partial<Identity> = {}): Identity => ({ issuer: 'https://id.example.com', subject: '1', name: 'Ann', email: 'ann@example.com', isEmailVerified: true, groups: [], ...change });
const judge = (rules: Partial<SignInRules>, change: Partial<Identity> = {}): string => {
  const standing = judgeSignIn({ ...anybody, ...rules }, who(change));
  return standing.ok ? standing.value.scopes.join(' ') : standing.error;
};
const use = 'models:use models:read';

describe('who may sign in', () => {
  it('without rules: whoever the provider lets in, for the use of models', () => {
    expect(judge({})).toBe(use);
    expect(judge({}, { email: undefined })).toBe(use);
    expect(judge({}, { isEmailVerified: false })).toBe(use);
  });

  it.each([
    ['the domain itself', 'ann@example.com', use],
    ['capitals', 'Ann@EXAMPLE.com', use],
    ['a longer domain that ends so', 'ann@evilexample.com', 'email_not_allowed'],
    ['a domain below it', 'ann@sub.example.com', 'email_not_allowed'],
    ['a longer domain that begins so', 'ann@example.com.evil.test', 'email_not_allowed'],
    ['a dot at the end', 'ann@example.com.', 'email_not_allowed'],
    ['two signs', 'ann@example.com@evil.test', 'email_not_allowed'],
    ['two signs, the other way', 'ann@evil.test@example.com', 'email_not_allowed'],
    ['a quoted local part', '"ann@evil.test"@example.com', 'email_not_allowed'],
    ['a space', 'ann @example.com', 'email_not_allowed'],
    ['a line feed', 'ann@example.com\n', 'email_not_allowed'],
    ['a NUL', 'ann@evil.test\0@example.com', 'email_not_allowed'],
    ['full-width letters', 'ann@ｅxample.com', 'email_not_allowed'],
    ['a soft hyphen', 'ann@exam\u00adple.com', 'email_not_allowed'],
    ['an ideographic full stop', 'ann@example。com', 'email_not_allowed'],
    ['a Cyrillic look-alike', 'ann@ехample.com', 'email_not_allowed'],
    ['a comment', 'ann(c)@example.com', 'email_not_allowed'],
    ['no local part', '@example.com', 'email_not_allowed'],
    ['no sign', 'example.com', 'email_not_allowed'],
    ['nothing', '', 'email_not_allowed'],
  ])('of an allowed domain: %s', (_what, email, outcome) => {
    expect(judge({ allowedDomains: ['Example.com'] }, { email })).toBe(outcome);
  });

  it('an address that the provider has not verified is none', () => {
    expect(judge({ allowedDomains: ['example.com'] }, { isEmailVerified: false })).toBe('email_not_verified');
    expect(judge({ allowedEmails: ['ann@example.com'] }, { isEmailVerified: false })).toBe('email_not_verified');
    expect(judge({ allowedDomains: ['example.com'] }, { email: undefined })).toBe('email_missing');
  });

  it('an internationalized domain counts in both its spellings', () => {
    for (const allowed of ['müller.example', 'xn--mller-kva.example', 'MÜLLER.example', '@müller.example']) {
      expect(judge({ allowedDomains: [allowed] }, { email: 'ann@müller.example' })).toBe(use);
      expect(judge({ allowedDomains: [allowed] }, { email: 'ann@xn--mller-kva.example' })).toBe(use);
      expect(judge({ allowedDomains: [allowed] }, { email: 'ann@muller.example' })).toBe('email_not_allowed');
    }
  });

  it('a rule that is no domain lets nobody in', () => {
    for (const allowed of ['*', '*.example.com', '.example.com', '', ' ', '.']) expect(judge({ allowedDomains: [allowed] })).toBe('email_not_allowed');
  });

  it('listed addresses: small and capital ASCII letters are one, other letters are not folded', () => {
    expect(judge({ allowedEmails: ['Ann@Example.com'] })).toBe(use);
    expect(judge({ allowedEmails: ['bob@example.com'] })).toBe('email_not_allowed');
    // The Kelvin sign is a `k` to `toLowerCase`, the dotless i an `I` to `toUpperCase`.
    expect(judge({ allowedEmails: ['kim@example.com'] }, { email: '\u212aim@example.com' })).toBe('email_not_allowed');
    expect(judge({ allowedEmails: ['MIKE@example.com'] }, { email: 'm\u0131ke@example.com' })).toBe('email_not_allowed');
    expect(judge({ allowedDomains: ['other.example'], allowedEmails: ['ann@example.com'] })).toBe(use);
  });

  it('reads no address out of what could be read in two ways', () => {
    expect(parseEmail(`${'a'.repeat(400)}@example.com`)).toBeUndefined();
    expect(parseEmail('a\u202eb@example.com')).toBeUndefined();
    expect(parseDomain('127.1')).toBeUndefined();
    expect(parseDomain('0x7f.1')).toBeUndefined();
    expect(parseDomain('example.com/evil.test')).toBeUndefined();
    expect(parseDomain('example.com:443')).toBeUndefined();
    expect(parseDomain('[::1]')).toBeUndefined();
  });
});

describe('groups', () => {
  const groupScopes = { ml: ['models:use'], admins: ['models:use', 'keys:write', 'secrets:read', 'no:such'], empty: [] };

  it('give the union of their scopes, in the order of the table; never `secrets:read`, never what is none', () => {
    expect(judge({ groupScopes }, { groups: ['ml'] })).toBe('models:use');
    expect(judge({ groupScopes }, { groups: ['admins', 'ml', 'ml', 'others'] })).toBe('models:use keys:write');
  });

  it('who is in none, or in one without scopes, may not sign in', () => {
    for (const groups of [[], ['others'], ['empty'], ['ML'], ['ml '], ['__proto__'], ['constructor'], ['toString']]) expect(judge({ groupScopes }, { groups })).toBe('no_group');
  });

  it('do not stand in for the address', () => {
    expect(judge({ groupScopes, allowedDomains: ['other.example'] }, { groups: ['admins'] })).toBe('email_not_allowed');
  });

  it('only those that count are kept', () => {
    const standing = judgeSignIn({ ...anybody, groupScopes }, who({ groups: ['private-club', 'ml'] }));
    expect(standing).toMatchObject({ ok: true, value: { groups: ['ml'] } });
  });
});

describe('claims', () => {
  const read = (claims: object, more: object = {}, groupsClaim = 'groups'): Identity => readIdentity('i', 's', { ...claims }, { ...more }, groupsClaim);

  it('an address and its verification come from one source', () => {
    expect(read({ email: 'a@x.test' }, { email: 'b@x.test', email_verified: true })).toMatchObject({ email: 'b@x.test', isEmailVerified: true });
    expect(read({ email: 'a@x.test', email_verified: false }, { email: 'b@x.test', email_verified: true })).toMatchObject({ email: 'a@x.test', isEmailVerified: false });
    expect(read({ email: 'a@x.test' }, { email_verified: true })).toMatchObject({ email: 'a@x.test', isEmailVerified: false });
  });

  it.each([[true, true], ['true', true], [false, false], ['false', false], [1, false], [undefined, false], [null, false], [['true'], false]])('email_verified %j is %j', (email_verified, verified) => {
    expect(read({ email: 'a@x.test', email_verified }).isEmailVerified).toBe(verified);
  });

  it('groups: a list, one text, a claim whose name has dots, a path', () => {
    expect(read({ groups: ['a', 1, null, 'b'] }).groups).toEqual(['a', 'b']);
    expect(read({ groups: 'a' }).groups).toEqual(['a']);
    expect(read({ groups: { a: true } }).groups).toEqual([]);
    expect(read({ 'https://x.test/groups': ['a'] }, {}, 'https://x.test/groups').groups).toEqual(['a']);
    expect(read({ realm_access: { roles: ['a'] } }, {}, 'realm_access.roles').groups).toEqual(['a']);
    expect(read({}, {}, '__proto__.x').groups).toEqual([]);
    expect(read({}, { groups: ['a'] }).groups).toEqual(['a']);
    expect(read({ groups: [] }, { groups: ['a'] }).groups).toEqual([]);
  });

  it('the user-info endpoint is asked only for what is missing', () => {
    const needed = { email: true, groups: true };
    const full = { email: 'a@x.test', email_verified: true, groups: [], name: 'A' };
    expect(whatIsMissing(full, 'groups', needed)).toBe('nothing');
    expect(whatIsMissing({ ...full, email_verified: undefined }, 'groups', needed)).toBe('needed');
    expect(whatIsMissing({ ...full, groups: undefined }, 'groups', needed)).toBe('needed');
    expect(whatIsMissing({}, 'groups', { email: false, groups: false })).toBe('nice');
    expect(whatIsMissing({ name: 'A' }, 'groups', { email: false, groups: false })).toBe('nothing');
  });
});

describe('what an approval gives', () => {
  it('is what was asked for, as far as the person has it; who asks for nothing asks for the use of models', () => {
    const ann = localPerson('ann', 0);
    expect(shareOf([], ann)).toEqual({ given: ['models:use', 'models:read'], withheld: [] });
    expect(shareOf(['openid', 'offline_access'], ann).given).toEqual(['models:use', 'models:read']);
    expect(shareOf(['keys:write', 'models:use', 'secrets:read', 'nonsense'], ann)).toEqual({ given: ['models:use', 'keys:write'], withheld: ['secrets:read'] });
    expect(shareOf(['keys:write'], { scopes: ['models:use'] })).toEqual({ given: [], withheld: ['keys:write'] });
    expect(shareOf(['secrets:read'], { scopes: ['secrets:read'] }).given).toEqual([]);
  });

  it('people are known by issuer and subject, which cannot run into one another', () => {
    expect(personId('local', 'ann')).toMatch(/^person_[\da-f]{20}$/);
    expect(personId('a', 'bc')).not.toBe(personId('ab', 'c'));
  });
});
