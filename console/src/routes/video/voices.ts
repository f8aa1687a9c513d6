// Who speaks when in a recording: what the transcript, the waveform and the people tab share.
import { nameOf, type Speaker, type Turn, type VideoSpeakers } from '../../services/speakers';
import { indexAt } from './words';

export const COLOURS = 8; // --voice-1 … in tokens.css

/** A speaker as people see it: a number, a colour that repeats after eight, and a name. */
export interface Voice {
  speaker: Speaker;
  name: string;
  number: number; // from 1, in the order in which they come
  colour: number; // 1 … 8
}

export type Voices = ReadonlyMap<string, Voice>; // by speaker_id, in order

/** Who speaks in a recording. */
export interface Heard {
  voices: Voices;
  turns: readonly Turn[]; // in order
  made: VideoSpeakers['diarization'] | undefined; // null: not made; undefined: not known
  error: Error | null;
}

export const colourOf = (number: number) => ((number - 1) % COLOURS) + 1;

/** Numbers follow the first turns, so that the first voice heard is number 1. */
export function voicesOf(speakers: readonly Speaker[], turns: readonly Turn[]): Voices {
  const first = new Map<string, number>();
  for (const { speaker_id, start_ms } of turns) {
    first.set(speaker_id, Math.min(first.get(speaker_id) ?? Infinity, start_ms));
  }
  const begin = ({ speaker_id }: Speaker) => first.get(speaker_id) ?? Infinity;
  const ordered = speakers.toSorted((a, b) => {
    const [one, other] = [begin(a), begin(b)];
    return one === other ? a.label.localeCompare(b.label) : one < other ? -1 : 1;
  });
  return new Map(
    ordered.map((speaker, index) => [
      speaker.speaker_id,
      { speaker, name: nameOf(speaker), number: index + 1, colour: colourOf(index + 1) },
    ]),
  );
}

export interface VoiceStats {
  speechMs: number;
  share: number; // of all that is spoken, 0 to 1
  turns: number;
  longestMs: number;
  overlapMs: number; // while somebody else speaks too
}

const NOTHING: VoiceStats = { speechMs: 0, share: 0, turns: 0, longestMs: 0, overlapMs: 0 };

/** Talk time of every speaker, from the turns. */
export function statsOf(turns: readonly Turn[]): ReadonlyMap<string, VoiceStats> {
  const stats = new Map<string, VoiceStats>();
  let allMs = 0;
  for (const { speaker_id, start_ms, end_ms } of turns) {
    const length = end_ms - start_ms;
    const known = stats.get(speaker_id) ?? NOTHING;
    stats.set(speaker_id, {
      ...known,
      speechMs: known.speechMs + length,
      turns: known.turns + 1,
      longestMs: Math.max(known.longestMs, length),
    });
    allMs += length;
  }
  const overlaps = overlapsOf(turns);
  for (const [id, known] of stats) {
    const share = allMs > 0 ? known.speechMs / allMs : 0;
    stats.set(id, { ...known, share, overlapMs: overlaps.get(id) ?? 0 });
  }
  return stats;
}

/** How long each speaks while another does. */
function overlapsOf(turns: readonly Turn[]): Map<string, number> {
  const edges = turns.flatMap(({ speaker_id, start_ms, end_ms }) => [
    { ms: start_ms, id: speaker_id, step: 1 },
    { ms: end_ms, id: speaker_id, step: -1 },
  ]);
  edges.sort((a, b) => a.ms - b.ms);
  const speaking = new Map<string, number>(); // → turns that are open
  const overlaps = new Map<string, number>();
  let fromMs = 0;
  for (const { ms, id, step } of edges) {
    if (speaking.size > 1) {
      for (const other of speaking.keys()) {
        overlaps.set(other, (overlaps.get(other) ?? 0) + ms - fromMs);
      }
    }
    fromMs = ms;
    const open = (speaking.get(id) ?? 0) + step;
    if (open > 0) speaking.set(id, open);
    else speaking.delete(id);
  }
  return overlaps;
}

/** The speaker's first turn after `ms`; after the last one the first again. Turns are in order. */
export function nextTurn(turns: readonly Turn[], speakerId: string, ms: number): Turn | undefined {
  const own = turns.filter((turn) => turn.speaker_id === speakerId);
  // A little later than here, so that "next" never stays.
  return own.find((turn) => turn.start_ms > ms + 1) ?? own[0];
}

const LOOK_BACK = 32; // turns that can still go on when this many others have begun

/** Who speaks at `ms`, the latest to begin first; of several turns those that still go on. */
export function speakingAt(turns: readonly Turn[], ms: number): string[] {
  const found: string[] = [];
  const last = indexAt(turns, ms);
  for (let i = last; i >= 0 && i > last - LOOK_BACK; i -= 1) {
    const turn = turns[i];
    if (turn && ms < turn.end_ms && !found.includes(turn.speaker_id)) found.push(turn.speaker_id);
  }
  return found;
}

/** "Ada and Speaker 2 speak"; '' in a pause. */
export function namesAt({ turns, voices }: Pick<Heard, 'turns' | 'voices'>, ms: number): string {
  const names = speakingAt(turns, ms).flatMap((id) => voices.get(id)?.name ?? []);
  if (names.length === 0) return '';
  return `${names.join(' and ')} ${names.length === 1 ? 'speaks' : 'speak'}`;
}

/** The colour of each of `count` bars over the recording; 0 where nobody speaks. */
export function coloursOfBars(
  turns: readonly Turn[],
  voices: Voices,
  durationMs: number,
  count: number,
): number[] {
  return Array.from({ length: count }, (_, bar) => {
    const [id] = speakingAt(turns, ((bar + 0.5) / count) * durationMs);
    return (id !== undefined && voices.get(id)?.colour) || 0;
  });
}
