// Things people might say, and how a recording of them sounds: canned data for development.
import { readFileSync } from 'node:fs';
import type { components } from '../../src/services/api';

type TranscriptSegment = components['schemas']['TranscriptSegment'];

export const COUNCIL = `Good evening, everybody, and welcome to the council. The first item tonight is affordable housing on the old harbour site.
We have had forty-one letters about it, and I thank everybody who wrote one. Most of them ask the same question: who will be able to live there?
The plan before you has two hundred and ten homes, and a third of them stay below the market rent for thirty years.
A third is not enough. Nurses and bus drivers cannot pay the other two thirds, and they are the people this town runs on.
I understand that, but the ground is contaminated. Cleaning it costs eleven million before anybody lays a brick.
Then let the port pay for what the port left behind. That was the agreement in nineteen ninety-eight, and I have it here.
Could we hear from the engineer about the flood wall? The spring tide in February came within a hand of the quay.
The wall is designed for a tide one metre above that one. With what we expect of the sea in fifty years, it is enough; with the worst case, it is not.
So we would be building homes behind a wall that may have to grow. I would like to see that written into the contract.
Rent is one thing, heating is another. If we connect the houses to the heat network, a family saves about six hundred a year.
May I remind members that the amendment needs nine votes. We have until the end of the month to apply for the grant.
Let us take the vote on the amendment: half of the homes below market rent, and the port asked to pay for the ground.
Nine in favour, six against. The amendment is carried. We continue with the school on Mill Lane after a short break.`;

export const TIDES = `Why is there high water twice a day, when the moon passes over us only once?
Most people answer that the moon pulls the sea up. That is half of the story, and the wrong half.
What matters is the difference between how strongly the moon pulls on the near side of the earth and on the far side.
On the near side the water is pulled a little more than the earth beneath it; on the far side, a little less. So there are two bulges.
The sun does the same, but it is so far away that the difference across the earth is less than half as large.
When sun and moon stand in line, their bulges add up, and we have a spring tide. It has nothing to do with the season.
Real oceans are not a film of water around a ball. The coasts are in the way, and the water sloshes in its basins like soup in a bowl.
That is why the Bay of Fundy has sixteen metres of tide and the Mediterranean almost none.
Each basin has its own period. If it is near twelve hours, the moon pushes the swing at the right moment, again and again.
You can predict a harbour to the minute by adding up about sixty such cosines. Kelvin built a machine of brass wheels for it.
What no table knows is the wind. A storm can pile up two metres on top of what the moon has planned.`;

export const BEES = `A colony in October is a different animal from a colony in June.
The bees that hatch now have fat bodies and live for six months; their sisters in summer were worn out after six weeks.
So whatever you do about mites, do it before these winter bees are raised. Afterwards it is too late to help them.
How do you know? Count. A sugar shake of three hundred bees: more than nine mites, and you treat.
I made the mistake of trusting the entrance. They flew like mad, and in January the box was silent.
Feed early, feed fast, and then leave them alone. Every time you open the lid, they burn a day of honey to get warm again.
And put a mouse guard on. A mouse does not sting, but she will rent the ground floor and never pay.`;

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

export function scriptOf(text: string, idOf: (index: number) => string): Script {
  const segments = speak(text, idOf);
  const durationMs = (segments.at(-1)?.end_ms ?? 0) + 800;
  return { segments, durationMs, media: hum(segments, durationMs), type: 'audio/wav' };
}

const SAMPLES = new URL('../../../samples/demo/', import.meta.url);

/** The sample meeting: a real video, and what its STM file says was said when. */
export function meeting(idOf: (index: number) => string): Script {
  const lines = readFileSync(new URL('meeting.stm', SAMPLES), 'utf8').split('\n');
  const segments = lines
    .filter((line) => line && !line.startsWith(';'))
    .map((line, index) => {
      const [, , , from, to, , ...spoken] = line.split(/\s+/).filter(Boolean);
      return spread(spoken, Number(from) * 1000, Number(to) * 1000, idOf(index));
    });
  const media = readFileSync(new URL('meeting.mp4', SAMPLES));
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
<text x="40" y="310" font-family="sans-serif" font-size="34" fill="#fff">${title.slice(0, 14)}</text></svg>`;
}
