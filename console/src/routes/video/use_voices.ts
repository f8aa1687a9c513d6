import { useQuery } from '@tanstack/react-query';
import { useMemo } from 'react';
import { type Turn, videoSpeakersQuery } from '../../services/speakers';
import { type Heard, voicesOf } from './voices';

const NO_TURNS: readonly Turn[] = [];

/** Who speaks in a recording; nobody while that is not known, so that the rest works without. */
export function useVoices(videoId: string): Heard {
  const { data, error } = useQuery(videoSpeakersQuery(videoId));
  return useMemo(() => {
    const turns = data ? data.turns.toSorted((a, b) => a.start_ms - b.start_ms) : NO_TURNS;
    return {
      turns,
      voices: voicesOf(data?.speakers ?? [], turns),
      made: data?.diarization,
      error,
    };
  }, [data, error]);
}
