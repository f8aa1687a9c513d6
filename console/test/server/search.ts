// Search as a stand-in: words by prefix, "meaning" by a few fixed kinships. Not the real ranking.
import type { components } from '../../src/services/api';
import type { People } from './people.ts';
import type { Recording } from './state.ts';

type Schemas = components['schemas'];
type Hit = Schemas['SearchHit'];

const KIN: Readonly<Record<string, readonly string[]>> = {
  rent: ['housing', 'homes', 'market'],
  housing: ['homes', 'houses', 'rent', 'live'],
  moon: ['tide', 'bulges'],
  winter: ['october', 'january'],
};

const escapeHtml = (text: string) =>
  text
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;')
    .replaceAll("'", '&#39;');

function plain(word: string): string {
  return word.toLowerCase().replace(/[^\p{L}\p{N}-]/gu, '');
}

interface Wanted {
  words: string[];
  kin: string[];
}

function markText(text: string, isWanted: (word: string) => boolean): string {
  return text
    .split(' ')
    .map((word) => (isWanted(word) ? `<mark>${escapeHtml(word)}</mark>` : escapeHtml(word)))
    .join(' ');
}

function segmentOf(recording: Recording, index: number): Schemas['Segment'] | null {
  const { transcript, video } = recording;
  const segment = transcript?.segments[index];
  if (!transcript || !segment) return null;
  return {
    id: segment.id,
    video_id: video.video_id,
    transcript_id: transcript.transcript_id,
    speaker_id: segment.speaker_id,
    segment_index: index,
    start_ms: segment.start_ms,
    end_ms: segment.end_ms,
    text: segment.text,
    language: segment.language,
    source: video.source.kind,
  };
}

function hitsIn(
  recording: Recording,
  wanted: Wanted,
  mode: Schemas['SearchMode'],
  people: People,
): Hit[] {
  const { transcript, video } = recording;
  if (!transcript) return [];
  const begins = (list: readonly string[]) => (word: string) =>
    list.some((start) => plain(word).startsWith(start));
  const isWord = begins(wanted.words);
  const isKin = begins(wanted.kin);
  return transcript.segments.flatMap(({ words }, index): Hit[] => {
    const exact = mode === 'semantic' ? [] : words.filter(({ text }) => isWord(text));
    const near = mode === 'lexical' ? [] : words.filter(({ text }) => isKin(text) || isWord(text));
    const segment = segmentOf(recording, index);
    if (!segment || exact.length + near.length === 0) return [];
    const lexical = exact.length > 0 ? exact.length * 6.1 : null;
    const vector = near.length > 0 ? Math.min(0.9, 0.3 + near.length * 0.1) : null;
    return [
      {
        segment,
        video: {
          video_id: video.video_id,
          title: video.title,
          source: video.source.kind,
          published_at: video.published_at,
        },
        speaker: people.nameOf(recording, segment.speaker_id),
        highlights: exact.length ? [{ field: 'text', text: markText(segment.text, isWord) }] : [],
        score: {
          combined: (lexical ?? 0) / 20 + (vector ?? 0) / 2,
          lexical,
          vector,
          lexical_rank: lexical === null ? null : 1,
          vector_rank: vector === null ? null : 1,
        },
        matched_words: exact.map(({ start_ms, end_ms, text }) => ({ start_ms, end_ms, text })),
        neighbours: [segmentOf(recording, index - 1), segmentOf(recording, index + 1)].filter(
          (neighbour) => neighbour !== null,
        ),
      },
    ];
  });
}

export interface SearchOptions {
  q: string;
  mode: Schemas['SearchMode'];
  videoId: string | null;
  speakerId: string | null;
  people: People;
  limit: number;
  offset: number;
  broken: boolean; // the engine is down
}

export function search(
  recordings: Iterable<Recording>,
  { q, mode, videoId, speakerId, people, limit, offset, broken }: SearchOptions,
): Schemas['SearchReply'] {
  const words = q.split(/\s+/).map(plain).filter(Boolean);
  const wanted = { words, kin: words.flatMap((word) => KIN[word] ?? []) };
  const effective = broken ? 'lexical' : mode;
  const all = [...recordings]
    .filter(({ video }) => videoId === null || video.video_id === videoId)
    .flatMap((recording) => hitsIn(recording, wanted, effective, people))
    .filter(({ segment }) => speakerId === null || segment.speaker_id === speakerId)
    .sort((a, b) => b.score.combined - a.score.combined);
  for (const [index, hit] of all.entries()) {
    if (hit.score.lexical_rank !== null) hit.score.lexical_rank = index + 1;
    if (hit.score.vector_rank !== null) hit.score.vector_rank = index + 1;
  }
  const legs: Schemas['SearchLeg'][] = [];
  if (mode !== 'semantic') {
    legs.push({
      name: 'lexical',
      ran: true,
      reason: null,
      took_ms: 3,
      candidates: all.length,
      model: null,
    });
  }
  if (mode !== 'lexical') {
    legs.push({
      name: 'vector',
      ran: !broken,
      reason: broken ? 'the engine does not answer' : null,
      took_ms: broken ? 0 : 8,
      candidates: broken ? 0 : all.length,
      model: 'minilm-l6',
    });
  }
  return {
    items: all.slice(offset, offset + limit),
    page: {
      limit,
      offset,
      total: all.length,
      total_relation: 'eq',
      next_cursor: null,
      video_total: new Set(all.map(({ segment }) => segment.video_id)).size,
    },
    took_ms: 12,
    legs,
    index: { generation: 'g-0001', as_of_seq: 481, lag_ms: broken ? null : 3_000 },
    degraded: broken,
    corrections: q.includes('harbuor') ? [{ from: 'harbuor', to: ['harbour'] }] : [],
  };
}
