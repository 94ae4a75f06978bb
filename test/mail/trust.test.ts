import { describe, expect, it } from 'vitest';
import type { ReplyToken } from '../../src/engine/services.ts';
import type { Person } from '../../src/engine/types.ts';
import { type Evidence, introduces, verdictOf } from '../../src/mail/trust.ts';

const ana: Person = {
  id: 'ana',
  name: 'Ana',
  role: 'owner',
  identities: [{ surface: 'mail', id: 'ana@example.org' }],
  created: '2026-01-01T00:00:00.000Z',
};
const token: ReplyToken = { id: 'reply/1', person: 'ana', used: false };
const verified = { address: 'ana@example.org', verified: true, why: 'DKIM of example.org passes' };
const unverified = { ...verified, verified: false, why: 'it has no signature' };
const evidence: Evidence = {
  sender: verified,
  person: ana,
  token,
  addressed: true,
  date: '2026-11-22T10:00:00.000Z',
  received: '2026-11-22T10:00:04.000Z',
};

describe('whose word is taken', () => {
  it('a token and a verified sender', () => {
    expect(verdictOf(evidence)).toEqual({ proof: { token: 'reply/1', verified: true } });
  });

  it('one of the two is passed on as what it is', () => {
    expect(verdictOf({ ...evidence, sender: unverified })).toEqual({ proof: { token: 'reply/1', verified: false } });
    const { token: _, ...without } = evidence;
    expect(verdictOf(without)).toEqual({ proof: { verified: true } });
  });

  it('a mail to somebody else that was sent on to us proves no sender, however well it is signed', () => {
    expect(verdictOf({ ...evidence, addressed: false })).toEqual({ proof: { token: 'reply/1', verified: false } });
  });

  it('neither is refused', () => {
    const { token: _, ...without } = evidence;
    expect(verdictOf({ ...without, sender: unverified })).toEqual({
      refused: 'not proved to be from ana@example.org: it has no signature',
    });
  });

  it('a token of somebody else is refused, however well the sender is verified', () => {
    expect(verdictOf({ ...evidence, token: { ...token, person: 'ben' } })).toHaveProperty('refused');
  });

  it('an address that is nobody here is refused, whatever token it brings', () => {
    const { person: _, ...without } = evidence;
    expect(verdictOf(without)).toHaveProperty('refused');
  });

  it('no single sender is refused', () => {
    expect(verdictOf({ ...evidence, sender: { verified: false, why: 'two From headers' } })).toEqual({
      refused: 'no single sender: two From headers',
    });
  });

  it.each([
    ['without a date', undefined, false],
    ['four days old', '2026-11-18T10:00:00.000Z', false],
    ['of next week', '2026-11-29T10:00:00.000Z', false],
    ['of no day', 'not a date', false],
    ['two days under way', '2026-11-20T10:00:05.000Z', true],
    ['from a clock that is an hour ahead', '2026-11-22T11:00:00.000Z', true],
  ])('a mail %s', (_, date, taken) => {
    const { date: __, ...rest } = evidence;
    expect('proof' in verdictOf({ ...rest, ...(date === undefined ? {} : { date }) })).toBe(taken);
  });
});

describe('what somebody unknown may say', () => {
  it.each(['claim 2F7K-QM4D-9TRV', 'link 2f7k-qm4d-9trv', 'join 2F7K QM4D 9TRV', 'JOIN 2F7KQM4D9TRV'])('%s', (line) => {
    expect(introduces(line)).toBe(true);
  });
  it.each(['link', 'help', 'status', 'run photos', 'claim', 'link a', 'x link 2F7K-QM4D-9TRV', ''])(
    'not: %s',
    (line) => {
      expect(introduces(line)).toBe(false);
    },
  );
});
