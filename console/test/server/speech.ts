// Things people might say, and how a recording of them sounds: canned data for development.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { TranscriptSegment } from '../../src/services/transcripts.ts';

const HERE = import.meta.dirname;
const textOf = (name: string) => readFileSync(join(HERE, 'texts', `${name}.txt`), 'utf8').trim();

export const COUNCIL = textOf('council');

export const TIDES = textOf('tides');

export const BEES = textOf('bees');

const WORD_MS = 60;
const LETTER_MS = 48;
const PAUSE_MS = 420;

/** Lays sentences on a time line, word by word, as a recogniser would report them. */
export function speak(text: string, idOf: (index: number) => string): TranscriptSegment[] {
  let at = 640;
  return text.split('\n').map((line, index) => {
    const startMs = at;
    const words = line.split(' ').map((word) => {
      const from = at;
      at += WORD_MS + LETTER_MS * word.length;
      const end = at;
      at += /[.?:;]$/.test(word) ? PAUSE_MS : 30;
      return { start_ms: from, end_ms: end, text: word, confidence: 0.94 };
    });
    return {
      id: idOf(index),
      start_ms: startMs,
      end_ms: at - 30,
      text: line,
      language: 'en',
      speaker_id: null,
      words,
    };
  });
}

/** A recording as the development server has it. */
export interface Script {
  segments: TranscriptSegment[];
  durationMs: number;
  media: Buffer;
  type: string;
}

/** `who` says each line: numbers that become ids of speakers. */
export function scriptOf(
  text: string,
  idOf: (index: number) => string,
  who: readonly number[] = [],
): Script {
  const segments = said(speak(text, idOf), who, idOf);
  const durationMs = (segments.at(-1)?.end_ms ?? 0) + 800;
  return { segments, durationMs, media: hum(segments, durationMs), type: 'audio/wav' };
}

function said<T>(
  segments: TranscriptSegment[],
  who: readonly T[],
  idOf: (index: number) => string,
): TranscriptSegment[] {
  const ids = new Map<T | undefined, string>();
  return segments.map((segment, index) => {
    const voice = who[index] ?? who.at(-1);
    const speaker_id = ids.get(voice) ?? idOf(index);
    ids.set(voice, speaker_id);
    return { ...segment, speaker_id };
  });
}

const SAMPLES = join(HERE, '../../../samples/demo');

/** The sample meeting: a real video, and what its STM file says was said when. */
export function meeting(idOf: (index: number) => string): Script {
  const lines = readFileSync(join(SAMPLES, 'meeting.stm'), 'utf8').split('\n');
  const voices: string[] = [];
  const spoken = lines
    .filter((line) => line && !line.startsWith(';'))
    .map((line, index) => {
      const [, , voice = '', from, to, , ...words] = line.split(/\s+/).filter(Boolean);
      voices.push(voice);
      return spread(words, Number(from) * 1000, Number(to) * 1000, idOf(index));
    });
  const segments = said(spoken, voices, idOf);
  const media = readFileSync(join(SAMPLES, 'meeting.mp4'));
  return { segments, durationMs: 122_400, media, type: 'video/mp4' };
}

/** Words over a stretch of time, each by its length. */
function spread(spoken: string[], fromMs: number, toMs: number, id: string): TranscriptSegment {
  const text = spoken.join(' ').toLowerCase();
  const perLetter = (toMs - fromMs) / (text.length + 1);
  let at = 0;
  const words = spoken.map((word) => {
    const start_ms = Math.round(fromMs + at * perLetter);
    at += word.length + 1;
    const end_ms = Math.round(fromMs + at * perLetter);
    return { start_ms, end_ms, text: word.toLowerCase(), confidence: 0.9 };
  });
  return {
    id,
    start_ms: Math.round(fromMs),
    end_ms: Math.round(toMs),
    text,
    language: 'en',
    speaker_id: null,
    words,
  };
}

/** How loud it is at a time, 0 to 1: syllables while somebody speaks, nothing in between. */
function levelAt(segments: readonly TranscriptSegment[], ms: number): number {
  const spoken = segments.some(({ words }) =>
    words.some((word) => ms >= word.start_ms && ms < word.end_ms),
  );
  if (!spoken) return 0.02;
  return 0.25 + 0.5 * Math.abs(Math.sin(ms / 71) * Math.sin(ms / 1310 + 1));
}

const RATE = 8_000;

/** A WAV file that hums while somebody speaks, so that playing and seeking are real. */
function hum(segments: readonly TranscriptSegment[], durationMs: number): Buffer {
  const samples = Math.floor((durationMs / 1000) * RATE);
  const wav = Buffer.alloc(44 + samples);
  wav.write('RIFF', 0);
  wav.writeUInt32LE(36 + samples, 4);
  wav.write('WAVEfmt ', 8);
  wav.writeUInt32LE(16, 16);
  wav.writeUInt16LE(1, 20);
  wav.writeUInt16LE(1, 22);
  wav.writeUInt32LE(RATE, 24);
  wav.writeUInt32LE(RATE, 28);
  wav.writeUInt16LE(1, 32);
  wav.writeUInt16LE(8, 34);
  wav.write('data', 36);
  wav.writeUInt32LE(samples, 40);
  const step = RATE / 100;
  for (let i = 0; i < samples; i += step) {
    const level = levelAt(segments, (i / RATE) * 1000);
    for (let j = i; j < Math.min(samples, i + step); j += 1) {
      wav[44 + j] = 128 + Math.round(100 * level * Math.sin((j / RATE) * 2 * Math.PI * 180));
    }
  }
  return wav;
}

export function peaks(segments: readonly TranscriptSegment[], durationMs: number) {
  const count = Math.ceil(durationMs / 50);
  const max = Array.from({ length: count }, (_, index) =>
    Math.round(127 * levelAt(segments, index * 50)),
  );
  return {
    version: 1 as const,
    bucket_ms: 50,
    duration_ms: durationMs,
    min: max.map((level) => -level),
    max,
  };
}

/** A picture with a little of everything that posters have. */
export function poster(title: string, hue: number): string {
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 640 360">
<defs><linearGradient id="g" x1="0" y1="0" x2="1" y2="1">
<stop stop-color="hsl(${hue} 45% 34%)"/><stop offset="1" stop-color="hsl(${hue + 50} 50% 62%)"/>
</linearGradient></defs><rect width="640" height="360" fill="url(#g)"/>
<circle cx="440" cy="150" r="70" fill="hsl(${hue + 90} 40% 75%)"/>
<path d="M300 360c10-90 70-130 140-130s130 40 140 130z" fill="hsl(${hue} 40% 22%)"/>
<text x="40" y="310" font-family="sans-serif" font-size="34" fill="#fff"
>${title.slice(0, 14)}</text></svg>`;
}
