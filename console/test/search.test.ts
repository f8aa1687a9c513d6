import { describe, expect, test } from 'vitest';
import { mergeParameters, oneOf, pageOf } from '../src/components/use_url_state';
import {
  describeCounts,
  describeDegradation,
  describeFreshness,
  describeLegs,
} from '../src/routes/search/describe_reply';
import { parseSearchState, toParameters } from '../src/routes/search/search_state';
import type { SearchReply } from '../src/services/search';

const parse = (text: string) => parseSearchState(new URLSearchParams(text));

describe('the address is the state', () => {
  test('empty', () => {
    expect(parse('')).toEqual({
      q: '',
      mode: 'hybrid',
      language: '',
      source: '',
      speaker: '',
      from: '',
      to: '',
      page: 1,
      selected: -1,
    });
  });
  test('full, as a request', () => {
    const state = parse(
      'q=spring+tide&mode=lexical&language=en&source=youtube&from=2026-01-01&to=2026-02-01' +
        '&page=3&sel=4',
    );
    expect(state.selected).toBe(4);
    expect(toParameters(state)).toEqual({
      q: 'spring tide',
      mode: 'lexical',
      language: 'en',
      source: 'youtube',
      date_from: '2026-01-01',
      date_to: '2026-02-01',
      limit: 20,
      offset: 40,
    });
  });
  test('nonsense is left out, not sent', () => {
    const state = parse('q=x&mode=magic&source=ftp&from=yesterday&page=-2&sel=abc');
    expect(toParameters(state)).toEqual({ q: 'x', mode: 'hybrid', limit: 20, offset: 0 });
    expect(state.selected).toBe(-1);
  });
  test('patches merge; empty values go', () => {
    const parameters = new URLSearchParams('q=tide&page=3&mode=lexical');
    expect(mergeParameters(parameters, { page: null, mode: '', language: 'de' })).toBe(
      'q=tide&language=de',
    );
  });
  test('pages and choices', () => {
    expect(pageOf(new URLSearchParams('page=2.5'))).toBe(1);
    expect(pageOf(new URLSearchParams('page=7'))).toBe(7);
    expect(oneOf('b', ['a', 'b'])).toBe('b');
    expect(oneOf('z', ['a', 'b'])).toBe('a');
    expect(oneOf(null, ['a', 'b'])).toBe('a');
  });
});

function reply(patch: Partial<SearchReply> = {}): SearchReply {
  return {
    items: [],
    page: {
      limit: 20,
      offset: 0,
      total: 128,
      total_relation: 'eq',
      next_cursor: null,
      video_total: 43,
    },
    took_ms: 12,
    legs: [
      { name: 'lexical', ran: true, reason: null, took_ms: 3, candidates: 41, model: null },
      { name: 'vector', ran: true, reason: null, took_ms: 8, candidates: 200, model: 'minilm' },
    ],
    index: { generation: 'g-0001', as_of_seq: 481, lag_ms: 3_000 },
    degraded: false,
    corrections: [],
    ...patch,
  };
}

describe('the honest line', () => {
  test('all is well', () => {
    expect(describeCounts(reply())).toBe('128 passages in 43 videos');
    expect(describeLegs(reply().legs).map(({ name, sign }) => `${name} ${sign}`)).toEqual([
      'words ✓',
      'meaning ✓',
    ]);
    expect(describeFreshness(reply())).toBe('fresh to 3 s ago');
    expect(describeDegradation(reply())).toBeNull();
  });
  test('says what it does not know', () => {
    const page = { ...reply().page, total_relation: 'gte' as const, video_total: null };
    expect(describeCounts(reply({ page }))).toBe('at least 128 passages');
    const index = { ...reply().index, lag_ms: null };
    expect(describeFreshness(reply({ index }))).toBe('freshness not known');
    expect(describeFreshness(reply({ index: { ...index, lag_ms: 0 } }))).toBe('up to date');
  });
  test('says which leg is down, why, and what that means', () => {
    const [lexical, vector] = reply().legs;
    if (!lexical || !vector) throw new Error('two legs');
    const down = { ...vector, ran: false, reason: 'the engine does not answer' };
    const text = describeDegradation(reply({ degraded: true, legs: [lexical, down] }));
    expect(text).toMatch(/^Search by meaning did not run: the engine does not answer\. /);
    expect(describeLegs([down])[0]).toMatchObject({ sign: '✗' });
  });
});
