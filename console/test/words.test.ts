import { describe, expect, test } from 'vitest';
import { barsOf } from '../src/routes/video/waveform';
import { createFinder, cutAtWords, indexAt, matchTime, wordAt } from '../src/routes/video/words';
import type { TranscriptSegment } from '../src/services/transcripts';
import { speak } from './server/speech';

const word = (text: string, start_ms: number) => ({
  text,
  start_ms,
  end_ms: start_ms + 80,
  confidence: 1,
});

describe('cutAtWords', () => {
  test('keeps every character of the text', () => {
    const text = 'Good evening, everybody.';
    const words = [word('Good', 0), word('evening,', 100), word('everybody.', 200)];
    const pieces = cutAtWords({ text, words });
    expect(pieces.map((piece) => piece.text).join('')).toBe(text);
    expect(pieces.map((piece) => piece.word)).toEqual([0, -1, 1, -1, 2]);
  });
  test('languages without spaces', () => {
    const pieces = cutAtWords({ text: '潮が満ちる。', words: [word('潮', 0), word('が', 90)] });
    expect(pieces.map((piece) => piece.text)).toEqual(['潮', 'が', '満ちる。']);
  });
  test('words that are not in the text are left out', () => {
    const pieces = cutAtWords({ text: 'one two', words: [word('uh', 0), word('two', 9)] });
    expect(pieces).toEqual([
      { text: 'one ', word: -1, from: 0 },
      { text: 'two', word: 1, from: 4 },
    ]);
  });
  test('the same word twice is two words', () => {
    const pieces = cutAtWords({ text: 'no no', words: [word('no', 0), word('no', 100)] });
    expect(pieces.filter((piece) => piece.word >= 0).map((piece) => piece.from)).toEqual([0, 3]);
  });
});

describe('where playback is', () => {
  const entries = [{ start_ms: 100 }, { start_ms: 200 }, { start_ms: 300 }];
  test.each([
    [0, -1],
    [99, -1],
    [100, 0],
    [299, 1],
    [300, 2],
    [9_999, 2],
  ])('at %d ms it is entry %d', (ms, index) => expect(indexAt(entries, ms)).toBe(index));
  test('nothing is spoken in a pause', () => {
    const words = [word('a', 0), word('b', 100)];
    expect(wordAt(words, 50)).toBe(0);
    expect(wordAt(words, 90)).toBe(-1);
    expect(wordAt(words, 100)).toBe(1);
  });
  test('of nothing', () => expect(indexAt([], 5)).toBe(-1));
});

describe('finding within', () => {
  const segments = speak('Crème brûlée at the café\nCAFE again, café', String);
  const find = createFinder(segments);
  test('case and accents do not matter', () => {
    expect(find('cafe')).toEqual([
      { segment: 0, from: 20, to: 24 },
      { segment: 1, from: 0, to: 4 },
      { segment: 1, from: 12, to: 16 },
    ]);
  });
  test('across words', () => expect(find('brulee at')).toEqual([{ segment: 0, from: 6, to: 15 }]));
  test('nothing for nothing', () => expect(find('  ')).toEqual([]));
  test('a match begins when its first word does', () => {
    const [match] = find('brulee');
    const segment = segments[0] as TranscriptSegment;
    expect(match && matchTime(segment, match)).toBe(segment.words[1]?.start_ms);
  });
});

test('a narrow waveform loses no peak', () => {
  const max = Array.from({ length: 100 }, () => 2);
  max[57] = 127;
  const peaks = { version: 1 as const, bucket_ms: 50, duration_ms: 5_000, min: [-4], max };
  const bars = barsOf(peaks, 10);
  expect(bars).toHaveLength(10);
  expect(Math.max(...bars)).toBeCloseTo(127 / 128);
  expect(bars[0]).toBeCloseTo(4 / 128);
});
