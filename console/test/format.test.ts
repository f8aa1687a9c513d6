import { describe, expect, test } from 'vitest';
import {
  formatAgo,
  formatBytes,
  formatDuration,
  formatEta,
  formatLanguage,
  formatOffset,
  plural,
} from '../src/format';

describe('formatOffset', () => {
  test.each([
    [0, '0:00'],
    [999, '0:00'],
    [61_200, '1:01'],
    [3_599_999, '59:59'],
    [3_723_400, '1:02:03'],
    [43_200_000, '12:00:00'],
    [-5, '0:00'],
  ])('%d ms is %s', (ms, text) => expect(formatOffset(ms)).toBe(text));
});

describe('formatDuration', () => {
  test.each([
    [12, '12 ms'],
    [999.6, '1000 ms'],
    [1_000, '1 s'],
    [59_400, '59 s'],
    [250_000, '4 min 10 s'],
    [3_600_000, '1 h'],
    [3_720_000, '1 h 2 min'],
    [200_000_000, '2 d 7 h'],
  ])('%d ms is %s', (ms, text) => expect(formatDuration(ms)).toBe(text));
});

describe('formatEta', () => {
  test.each([
    [400, 'a few seconds'],
    [33_000, 'about 40 s'],
    [254_000, 'about 4 min'],
    [5_400_000, 'about 1 h 30 min'],
  ])('%d ms is %s', (ms, text) => expect(formatEta(ms)).toBe(text));
});

test('sizes have three figures at most', () => {
  expect(formatBytes(0)).toBe('0 B');
  expect(formatBytes(999)).toBe('999 B');
  expect(formatBytes(1_500_000)).toBe('1.5 MB');
  expect(formatBytes(1_073_741_824)).toBe('1.1 GB');
  expect(formatBytes(412_000_000)).toBe('412 MB');
});

test('times are relative for a week', () => {
  const now = Date.parse('2026-11-25T12:00:00Z');
  expect(formatAgo('2026-11-25T11:59:40Z', now)).toBe('just now');
  expect(formatAgo('2026-11-25T11:57:00Z', now)).toBe('3 minutes ago');
  expect(formatAgo('2026-11-25T09:00:00Z', now)).toBe('3 hours ago');
  expect(formatAgo('2026-11-24T11:00:00Z', now)).toBe('yesterday');
  expect(formatAgo('2026-11-02T12:00:00Z', now)).toBe('2 Nov 2026');
  expect(formatAgo('2026-11-25T12:02:00Z', now)).toBe('in 2 minutes');
});

test('counts and languages', () => {
  expect(plural(1, 'passage')).toBe('1 passage');
  expect(plural(1_280, 'passage')).toBe('1,280 passages');
  expect(plural(2, 'address', 'addresses')).toBe('2 addresses');
  expect(formatLanguage('de')).toBe('German');
  expect(formatLanguage('not a code')).toBe('not a code');
});
