// Who speaks in one recording, and who that is.
import { type QueryClient, queryOptions } from '@tanstack/react-query';
import { request } from './http';

export interface Speaker {
  speaker_id: string;
  video_id: string;
  label: string; // "Speaker 1": within its recording
  name: string | null; // the person's; null until somebody said who it is
  person_id: string | null;
  language: string | null;
  metadata: Record<string, unknown>;
  speech_ms: number;
  turns_count: number;
  created_at: string;
}

export interface Turn {
  speaker_id: string;
  start_ms: number;
  end_ms: number;
  confidence: number;
}

export interface VideoSpeakers {
  diarization: {
    version: number;
    model: string;
    model_hash: string;
    settings_hash: string;
    created_at: string;
  } | null; // null: not made
  speakers: readonly Speaker[];
  turns: readonly Turn[];
}

export const videoSpeakersQuery = (videoId: string) =>
  queryOptions({
    queryKey: ['speakers', videoId],
    queryFn: ({ signal }) =>
      request<VideoSpeakers>('GET', `/videos/${videoId}/speakers`, { signal }),
    staleTime: 60_000,
  });

/** What to show for a speaker: the person's name, else the label. */
export const nameOf = ({ name, label }: Pick<Speaker, 'name' | 'label'>) => name ?? label;

/** A name changed: whatever shows names reads them again. */
export function refreshNames(client: QueryClient): void {
  for (const key of ['speakers', 'people', 'person', 'events', 'search']) {
    void client.invalidateQueries({ queryKey: [key] });
  }
}
