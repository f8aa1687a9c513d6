// From a segment's text and its timed words to pieces that can be clicked, marked and found.
import type { TranscriptSegment, Word } from '../../services/transcripts';

export interface Piece {
  text: string;
  word: number; // index in segment.words; -1 for what stands between words
  from: number; // character offset in segment.text
}

/** Cuts a segment's text at its words. Words that the text does not have are left out. */
export function cutAtWords({ text, words }: Pick<TranscriptSegment, 'text' | 'words'>): Piece[] {
  const pieces: Piece[] = [];
  let at = 0;
  words.forEach(({ text: word }, index) => {
    const wanted = word.trim();
    const from = wanted ? text.indexOf(wanted, at) : -1;
    if (from < 0) return;
    if (from > at) pieces.push({ text: text.slice(at, from), word: -1, from: at });
    pieces.push({ text: wanted, word: index, from });
    at = from + wanted.length;
  });
  if (at < text.length) pieces.push({ text: text.slice(at), word: -1, from: at });
  return pieces;
}

/** The last entry that begins at or before `ms`; -1 before the first. Entries are in order. */
export function indexAt(entries: readonly { start_ms: number }[], ms: number): number {
  let low = 0;
  let high = entries.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((entries[middle]?.start_ms ?? 0) <= ms) low = middle + 1;
    else high = middle;
  }
  return low - 1;
}

/** The word that is spoken at `ms`; -1 in a pause. */
export function wordAt(words: readonly Word[], ms: number): number {
  const index = indexAt(words, ms);
  const word = words[index];
  return word && ms < word.end_ms ? index : -1;
}

export interface Match {
  segment: number; // index
  from: number; // characters of segment.text
  to: number;
}

interface Folded {
  text: string;
  at: number[]; // folded position → position in the text
}

/** Lower case, without accents; remembers where each letter stood. */
function fold(text: string): Folded {
  let folded = '';
  const at: number[] = [];
  let position = 0;
  for (const character of text) {
    const plain = character.normalize('NFD').replace(/\p{M}/gu, '').toLowerCase();
    for (let i = 0; i < plain.length; i += 1) at.push(position);
    folded += plain;
    position += character.length;
  }
  at.push(position);
  return { text: folded, at };
}

/** Finds text in a transcript, whatever its case and accents; folds the transcript once. */
export function createFinder(segments: readonly { text: string }[]) {
  const folded = segments.map(({ text }) => fold(text));
  return (needle: string): Match[] => {
    const wanted = fold(needle.trim()).text;
    if (!wanted) return [];
    const matches: Match[] = [];
    folded.forEach(({ text, at }, segment) => {
      for (let i = text.indexOf(wanted); i >= 0; i = text.indexOf(wanted, i + wanted.length)) {
        matches.push({ segment, from: at[i] ?? 0, to: at[i + wanted.length] ?? 0 });
      }
    });
    return matches;
  };
}

/** When a match is spoken: the first word that it touches, else the segment's beginning. */
export function matchTime(segment: TranscriptSegment, match: Match): number {
  const piece = cutAtWords(segment).find(
    ({ word, from, text }) => word >= 0 && from < match.to && from + text.length > match.from,
  );
  return (piece && segment.words[piece.word]?.start_ms) ?? segment.start_ms;
}
